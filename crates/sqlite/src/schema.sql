create table flow (
    id integer primary key autoincrement,
    hash text not null unique,
    script text not null
) strict;

create table flow_step (
    flow integer not null references flow on delete cascade,
    step integer not null,
    path text not null,
    event text not null,
    version integer not null,
    output text not null,
    primary key (flow, step)
) strict, without rowid;

create table run (
    id integer primary key autoincrement,
    key text unique,
    pipeline text not null,
    flow integer not null references flow,
    inputs text not null,
    started_at integer not null,
    deadline integer,
    parent text,
    start_checksum integer not null,
    status text,
    ended_at integer,
    reason text,
    records integer,
    state_checksum integer not null
) strict;

create index run_by_start on run (started_at desc, key);
create index run_unfinished on run (started_at desc, key) where status is null;
create index run_by_status on run (status, started_at desc, key) where status is not null;
create index run_by_parent on run (parent) where parent is not null;
create index run_by_flow on run (flow);

create table revision (
    run integer not null references run,
    seq integer not null,
    flow integer not null references flow,
    primary key (run, seq)
) strict, without rowid;

create index revision_by_flow on revision (flow);

create table record (
    id integer primary key,
    run integer not null,
    seq integer not null,
    at integer not null,
    kind text not null,
    step integer,
    attempt integer not null,
    item integer,
    body text not null,
    checksum integer not null
) strict;

create table extent (
    run integer not null references run,
    seq integer not null,
    first integer not null,
    places_before text, span integer not null default 2048,
    primary key (run, seq)
) strict, without rowid;

create table request (
    id integer primary key autoincrement,
    body text not null,
    at integer not null
) strict;

create table owner (
    pid integer not null,
    host text not null,
    since integer not null
) strict;
