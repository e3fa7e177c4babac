CREATE TABLE flow (
    id integer primary key autoincrement,
    hash text not null unique,
    script text not null
) strict;

CREATE TABLE flow_step (
    flow integer not null references flow on delete cascade,
    step integer not null,
    path text not null,
    event text not null,
    version integer not null,
    output text not null,
    primary key (flow, step)
) strict, without rowid;

CREATE TABLE run (
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

CREATE INDEX run_by_start on run (started_at desc, key);

CREATE INDEX run_unfinished on run (started_at desc, key) where status is null;

CREATE INDEX run_by_status on run (status, started_at desc, key) where status is not null;

CREATE INDEX run_by_parent on run (parent) where parent is not null;

CREATE INDEX run_by_flow on run (flow);

CREATE TABLE revision (
    run integer not null references run,
    seq integer not null,
    flow integer not null references flow,
    primary key (run, seq)
) strict, without rowid;

CREATE INDEX revision_by_flow on revision (flow);

CREATE TABLE record (
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

CREATE TABLE extent (
    run integer not null references run,
    seq integer not null,
    first integer not null,
    places_before text, span integer not null default 2048,
    primary key (run, seq)
) strict, without rowid;

CREATE TABLE request (
    id integer primary key autoincrement,
    body text not null,
    at integer not null
) strict;

CREATE TABLE owner (
    pid integer not null,
    host text not null,
    since integer not null
) strict;

CREATE TABLE action (
    id integer primary key autoincrement,
    at integer not null,
    actor text not null,
    action text not null,
    key text not null,
    step text,
    error text
) strict;

CREATE INDEX action_by_key on action (key, id);

CREATE VIEW actions as
select
    key,
    action,
    step,
    actor,
    strftime('%Y-%m-%d %H:%M:%f', at / 1e6, 'unixepoch') as at,
    error
from action
order by id desc;

CREATE VIEW runs as
select
    key,
    pipeline,
    case
        when status is not null then status
        when reason is not null then 'needs_decision'
        else 'unfinished'
    end as status,
    strftime('%Y-%m-%d %H:%M:%f', started_at / 1e6, 'unixepoch') as started,
    strftime('%Y-%m-%d %H:%M:%f', ended_at / 1e6, 'unixepoch') as ended,
    round((ended_at - started_at) / 1e6, 3) as seconds,
    coalesce(run.records, (
        select max(record.seq)
        from record
        join (
            select first, span from extent where extent.run = run.id order by extent.seq desc limit 1
        )
        where record.id >= first and record.id < first + span and record.run = run.id
    ), 0) as records,
    reason
from run
where key is not null
order by started_at desc, key;

CREATE VIEW attempts as
select
    run.key as run,
    flow_step.path as step,
    record.attempt,
    record.item,
    coalesce(
        iif(json_valid(record.body), (select key from json_each(record.body, '$.outcome')), null),
        record.kind
    ) as outcome,
    strftime('%Y-%m-%d %H:%M:%f', record.at / 1e6, 'unixepoch') as at,
    record.body
from run
cross join extent on extent.run = run.id
cross join record on record.id >= extent.first and record.id < extent.first + extent.span
    and record.run = run.id
left join flow_step on flow_step.step = record.step and flow_step.flow = coalesce(
    (select revision.flow from revision
     where revision.run = run.id and revision.seq <= record.seq
     order by revision.seq desc limit 1),
    run.flow
)
where run.key is not null and record.kind in ('completed', 'computed', 'timed_out', 'resolved');

CREATE VIEW steps as
select
    done.key as run,
    done.step,
    done.event,
    (
        select coalesce(
            iif(json_valid(body), (select key from json_each(body, '$.outcome')), null),
            kind
        )
        from record where record.id = iif(
            (
                select iif(json_valid(body), json_type(body, '$.outcome.pending'), null) is not null
                from record where record.id = done.last
            ),
            coalesce(done.early, done.last),
            done.last
        )
    ) as outcome,
    done.attempts,
    strftime('%Y-%m-%d %H:%M:%f', done.first_at / 1e6, 'unixepoch') as first,
    strftime('%Y-%m-%d %H:%M:%f', done.last_at / 1e6, 'unixepoch') as last
from (
    select
        run.id as id,
        run.key as key,
        flow_step.path as step,
        flow_step.event as event,
        max(record.step) as place,
        max(record.id) as last,
        max(iif(record.kind = 'resolved' and record.attempt = 0, record.id, null)) as early,
        max(record.attempt) as attempts,
        min(record.at) as first_at,
        max(record.at) as last_at
    from run
    cross join extent on extent.run = run.id
    cross join record on record.id >= extent.first and record.id < extent.first + extent.span
        and record.run = run.id
    join flow_step on flow_step.step = record.step and flow_step.flow = coalesce(
        (select revision.flow from revision
         where revision.run = run.id and revision.seq <= record.seq
         order by revision.seq desc limit 1),
        run.flow
    )
    where run.key is not null
    group by run.id, flow_step.path
) as done
order by done.id, done.place;