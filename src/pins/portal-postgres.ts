import { Pool } from 'pg'
import { ForewarnError } from '#core/errors.ts'
import { textExpiry, timestampExpiry, timestampOf } from './portal-postgres-expiry.ts'
import { explainedPostgres, isLost } from './portal-postgres-failure.ts'
import { isTimestamp, keyType, typeFlaw } from './portal-postgres-types.ts'
import type {
  FoundColumn,
  KnownColumn,
  PortalDatabase,
  PortalStatements,
  RelationName,
  Selection,
} from './portal-relation.ts'
import { type PinColumn, type PinRecord, pinColumns } from './row.ts'

const connections = 5
const connectWithinMs = 5_000
const defaultAnswerWithinMs = 10_000
/** The server ends a statement itself; when even that answer does not come, the connection is given up. */
const graceMs = 2_000

/**
 * Opens a portal's database on PostgreSQL: a pool whose sessions only read, in UTC, with a limit on every statement. Nothing is
 * connected yet.
 */
export function openPostgresPortal(url: string, answerWithinMs = defaultAnswerWithinMs): PortalDatabase {
  const address = readAddress(url, answerWithinMs)
  const pool = new Pool({
    connectionString: address.connectionString,
    max: connections,
    connectionTimeoutMillis: connectWithinMs,
    query_timeout: answerWithinMs + graceMs,
    keepAlive: true,
    allowExitOnIdle: true,
  })
  // A connection that breaks while nobody uses it is replaced when one is needed.
  pool.on('error', () => undefined)
  let closed: Promise<void> | null = null

  /** Reading twice does no harm: a connection that had broken unnoticed, as by a restart of the server, is tried once more. */
  async function query<Row extends object>(text: string, values: readonly unknown[], again = true): Promise<Row[]> {
    try {
      return (await pool.query<Row>(text, [...values])).rows
    } catch (error) {
      if (again && closed === null && isLost(error)) return query(text, values, false)
      throw explainedPostgres(error, address.shown)
    }
  }

  return {
    shown: address.shown,
    columns: (relation) => findColumns(query, relation),
    statements: (relation, columns) => statementsOn(query, relation, columns),
    close() {
      closed ??= pool.end()
      return closed
    },
  }
}

type Query = <Row extends object>(text: string, values: readonly unknown[]) => Promise<Row[]>

/** Adds to the URL what every session of ours is given; an `options` of its own may change the time-out, and no more. */
function readAddress(text: string, answerWithinMs: number): { connectionString: string; shown: string } {
  const url = URL.parse(text)
  if (url === null) {
    throw new ForewarnError(
      'settings-invalid',
      'portal.url is not of the form postgres://USER:PASSWORD@HOST/DATABASE',
      {
        path: 'portal.url',
      },
    )
  }
  const host = url.host || url.searchParams.get('host') || 'localhost'
  const options = [
    `-c statement_timeout=${answerWithinMs}`,
    url.searchParams.get('options') ?? '',
    '-c default_transaction_read_only=on -c timezone=UTC -c jit=off',
  ]
  url.searchParams.set('options', options.join(' '))
  url.searchParams.set('application_name', 'forewarn')
  return { connectionString: url.href, shown: `postgres://${host}${url.pathname}` }
}

async function findColumns(query: Query, relation: RelationName): Promise<FoundColumn[] | null> {
  const found = await query<{ name: string | null; type: string; readable: boolean }>(
    `select a.attname as name, case b.typtype when 'e' then 'enum' else b.typname end as type,
            has_column_privilege(a.attrelid, a.attnum, 'select') as readable
     from pg_class c
     left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     left join pg_type t on t.oid = a.atttypid
     left join pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
     where c.oid = to_regclass($1) and c.relkind in ('r', 'v', 'm', 'f', 'p')
     order by a.attnum`,
    [relation.quoted],
  )
  if (found.length === 0) return null
  return found.flatMap(({ name, type, readable }) => {
    if (name === null) return []
    const column = pinColumns.find((known) => known === name)
    if (column === undefined) return [{ name, type, flaw: null }]
    return [{ name, type, flaw: readable ? typeFlaw(column, type) : 'and the user of portal.url may not read it' }]
  })
}

function statementsOn(query: Query, relation: RelationName, columns: readonly KnownColumn[]): PortalStatements {
  const typeOf = new Map(columns.map(({ name, type }) => [name, type]))
  const from = `from ${relation.quoted} p`
  const all = pinColumns.filter((name) => typeOf.has(name)).map((name) => `${cell(name, typeOf.get(name))} as ${name}`)
  const select = `select ${all.join(', ')} ${from}`
  const id = `p.pin_id::text collate "C"`
  const idType = keyType(typeOf.get('pin_id'))
  const expiry = isTimestamp(typeOf.get('expires_at')) ? timestampExpiry : textExpiry

  /** The rows of a kind and of some accounts; blanks around both are left to `readPin` to refuse. */
  function selected({ kind, accounts }: Selection, values: unknown[]): string {
    const conditions = [`${typeOf.has('kind') ? kindOrDefault : `'caller-pin'`} = $${values.push(kind)}`]
    if (accounts !== null) {
      const account = typeOf.has('account_id') ? trimmed('account_id') : 'null'
      conditions.push(`${account} = any($${values.push(accounts)}::text[])`)
    }
    return conditions.join(' and ')
  }

  return {
    async keys(which, after, untilAt, limit) {
      const values: unknown[] = [...expiry.bounds(after.expiresAt, untilAt)]
      const end = `$${values.push(timestampOf(untilAt))}::timestamptz`
      const begin = `($${values.push(timestampOf(after.expiresAt))}::timestamptz, $${values.push(after.pinId)})`
      // `offset 0` keeps the expressions in: each is computed once per row.
      const rows = await query<{ at: string; id: string }>(
        `select (extract(epoch from at) * 1000)::bigint as at, id
         from (select ${expiry.at} as at, ${id} as id ${from} where ${expiry.near} and ${selected(which, values)} offset 0) k
         where id <> '' and at < ${end} and (at, id) > ${begin}
         order by k.at, k.id limit $${values.push(limit)}`,
        values,
      )
      return rows.map((row) => ({ expiresAt: Number(row.at), pinId: row.id }))
    },
    unplaced(which, limit) {
      const values: unknown[] = []
      return query<PinRecord>(
        `${select} where (p.pin_id is null or ${idType.isBlank} or ${expiry.unplaced}) and ${selected(which, values)}
         limit $${values.push(limit)}`,
        values,
      )
    },
    rows: (pinIds) =>
      query<PinRecord>(`${select} where p.pin_id = any($1::${idType.array})`, [pinIds.filter((id) => idType.fits(id))]),
    async idsOfAddress(address, limit) {
      const [local = ''] = address.split('@', 1)
      const rows = await query<{ id: string }>(
        `select distinct ${id} as id ${from}
         where p.pin_id is not null
           and (lower(p.email::text) = $1 or lower(p.email::text) like $2 and p.email::text ~ '[^ -~]') limit $3`,
        [address, `${local.replaceAll(/[\\%_]/g, '\\$&')}@%`, limit],
      )
      return rows.map((row) => row.id)
    },
    sample: (limit) => query<PinRecord>(`${select} where ${expiry.telling} limit $1`, [limit]),
  }
}

/** As text. Of an instant before our era, `to_char` would leave that out. */
function cell(name: PinColumn, type: string | undefined): string {
  if (!isTimestamp(type)) return `p.${name}::text`
  const iso = `to_char(p.${name} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
  return `case when p.${name} >= 'epoch' then ${iso} else p.${name}::text end`
}

function trimmed(name: PinColumn): string {
  return `btrim(p.${name}::text, E' \\t\\r\\n')`
}

const kindOrDefault = `coalesce(nullif(${trimmed('kind')}, ''), 'caller-pin')`
