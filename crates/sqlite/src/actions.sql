create table action (
    id integer primary key autoincrement,
    at integer not null,
    actor text not null,
    action text not null,
    key text not null,
    step text,
    error text
) strict;

create index action_by_key on action (key, id);

create view actions as
select
    key,
    action,
    step,
    actor,
    strftime('%Y-%m-%d %H:%M:%f', at / 1e6, 'unixepoch') as at,
    error
from action
order by id desc;
