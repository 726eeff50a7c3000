import { join } from 'node:path'
import Database from 'better-sqlite3'
import { sql } from 'drizzle-orm'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CommitAnswerLost } from '#ledger/commit-answer-lost.ts'
import { openLedger } from '#ledger/open.ts'
import { Connection, type ConnectionOptions, insistent, type Patience, patient } from '#ledger/sqlite/connection.ts'
import { sqlitePlans } from '#ledger/sqlite/plans.ts'
import { monday, reminderOf } from './fixtures.ts'
import { newFolder } from './folder.ts'

const impatient = { forMs: 30, pauseMs: 1 }

describe('a connection to a SQLite ledger', () => {
  it('puts writes that come together into one commit', async () => {
    let commits = 0
    const connection = await newTable({ afterCommit: () => (commits += 1) })
    commits = 0
    await Promise.all(Array.from({ length: 100 }, (_, n) => add(connection, n)))
    expect(rows(connection)).toHaveLength(100)
    expect(commits).toBeLessThan(10)
  })

  it('does not fail a batch for one bad piece of work', async () => {
    const connection = await newTable()
    const results = await Promise.allSettled([
      add(connection, 1),
      add(connection, 1),
      connection.write(() => {
        connection.db.run(sql`insert into t values (2)`)
        throw new Error('half way')
      }),
      add(connection, 3),
    ])
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(rows(connection)).toEqual([1, 3])
  })

  it('waits for another program that writes, then goes on', async () => {
    const connection = await newTable()
    const other = new Database(fileOf(connection))
    other.exec('begin immediate; insert into t values (1)')
    const write = add(connection, 2)
    await expect(add(connection, 9, impatient)).rejects.toThrow()
    other.exec('commit')
    other.close()
    await write
    expect(rows(connection)).toEqual([1, 2])
  })

  it('says who to look for when another program does not let go', async () => {
    const connection = await newTable()
    const other = new Database(fileOf(connection))
    other.exec('begin immediate')
    await expect(add(connection, 1, impatient)).rejects.toMatchObject({
      code: 'ledger-unusable',
      message: expect.stringContaining('is locked by another program'),
      hint: expect.stringContaining('fuser'),
    })
    other.close()
    await add(connection, 2)
    expect(rows(connection)).toEqual([2])
  })

  it('tells a lost answer from a commit that failed', async () => {
    let lose = false
    const connection = await newTable({
      afterCommit() {
        if (lose) throw new Error('the line went dead')
      },
    })
    lose = true
    await expect(add(connection, 1)).rejects.toBeInstanceOf(CommitAnswerLost)
    lose = false
    expect(rows(connection)).toEqual([1])
  })

  it('leaves what was there whole when the disk is full, and goes on when there is room again', async () => {
    const file = join(await newFolder(), 'ledger.db')
    const { ledger } = await openLedger(`file:${file}`, { mode: 'migrate' })
    const page = (from: number) => ({
      inserts: Array.from({ length: 1_000 }, (_, n) => reminderOf(ledger, `p${from + n}`)),
      reopens: [],
    })
    await ledger.plans.write('soft-pin', page(0), monday)
    await ledger.close()

    const connection = opened({ file })
    const plans = sqlitePlans(connection)
    const used = connection.db.get<{ page_count: number }>(sql`pragma page_count`).page_count
    connection.db.run(sql.raw(`pragma max_page_count = ${used + 10}`))
    await expect(plans.write('soft-pin', page(1_000), monday)).rejects.toMatchObject({
      code: 'ledger-unusable',
      message: expect.stringContaining('the disk is full'),
    })
    expect(await plans.open('soft-pin', null, 5_000)).toHaveLength(1_000)
    expect(connection.db.get(sql`pragma integrity_check`)).toEqual({ integrity_check: 'ok' })

    connection.db.run(sql`pragma max_page_count = 1000000`)
    expect(await plans.write('soft-pin', page(1_000), monday)).toMatchObject({ planned: 1_000 })
  })

  it('makes room for a stop on a full disk, and for nothing else', async () => {
    let asked = 0
    const makeRoom = (): boolean => {
      asked += 1
      connection.db.run(sql`pragma max_page_count = 1000000`)
      return asked === 1
    }
    const connection = await newTable({ makeRoom })
    const used = connection.db.get<{ page_count: number }>(sql`pragma page_count`).page_count
    const fill = (patience: Patience) => connection.write(() => connection.db.run(manyRows), patience)
    const isFull = { message: expect.stringContaining('the disk is full') }

    connection.db.run(sql.raw(`pragma max_page_count = ${used}`))
    await expect(fill(patient)).rejects.toMatchObject(isFull)
    expect([asked, rows(connection).length]).toEqual([0, 0])
    await fill(insistent)
    expect([asked, rows(connection).length]).toEqual([1, 2_000])
  })
})

const manyRows = sql`
  insert into t with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 2000) select n from numbers`

const files = new WeakMap<Connection, string>()

async function newTable(options: Partial<ConnectionOptions> = {}): Promise<Connection> {
  const file = join(await newFolder(), 'table.db')
  const connection = opened({ ...options, file })
  await connection.write(() => connection.db.run(sql`create table t (n integer primary key)`))
  return connection
}

function opened(options: ConnectionOptions): Connection {
  const connection = new Connection(options)
  files.set(connection, options.file)
  onTestFinished(() => connection.close())
  return connection
}

function fileOf(connection: Connection): string {
  return files.get(connection) ?? ''
}

function add(connection: Connection, n: number, patience?: typeof impatient): Promise<unknown> {
  return connection.write(() => connection.db.run(sql`insert into t values (${n})`), patience)
}

function rows(connection: Connection): number[] {
  return connection.db.all<{ n: number }>(sql`select n from t order by n`).map((row) => row.n)
}
