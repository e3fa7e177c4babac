create view runs as
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

create view attempts as
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

create view steps as
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
