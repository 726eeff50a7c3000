import { eq, sql } from 'drizzle-orm'
import type { Instant } from '#core/instant.ts'
import type { Database } from './connection.ts'
import { among, given, givenRows } from './given-rows.ts'
import { cap } from './schema.ts'

interface Counter {
  count: number
  /** null: as it was */
  countedAt: Instant | null
}

/** Rows of `cap`, locked in order of their keys until the transaction ends; counted in memory. */
export class Counters {
  readonly #rows: Map<string, Counter>
  readonly #changed = new Set<string>()
  /** Were not there before: what is not counted in does not stay. */
  readonly #created: Set<string>

  /** Locks the counters, also those that are not there yet: of two that begin one, the second waits. */
  static async lock(db: Database, buckets: Iterable<string>): Promise<Counters> {
    const rows = [...new Set(buckets)].map((bucket) => ({ bucket }))
    if (rows.length === 0) return new Counters([])
    const { rows: locked } = await db.execute<{ bucket: string; count: number; created: boolean }>(sql`
      insert into ${cap} (bucket, count, counted_at)
      select bucket, 0, 0 from ${givenRows(cap, ['bucket'], rows)} order by bucket
      on conflict (bucket) do update set count = ${cap.count}
      returning bucket, count, xmax = 0 as created`)
    return new Counters(locked)
  }

  private constructor(rows: readonly { bucket: string; count: number; created: boolean }[]) {
    this.#rows = new Map(rows.map(({ bucket, count }) => [bucket, { count, countedAt: null }]))
    this.#created = new Set(rows.filter(({ created }) => created).map(({ bucket }) => bucket))
  }

  count(bucket: string): number {
    return this.#rows.get(bucket)?.count ?? 0
  }

  up(bucket: string, at: Instant): void {
    const row = this.#rows.get(bucket)
    if (row === undefined) throw new Error('a counter was not locked')
    row.count += 1
    row.countedAt = at
    this.#changed.add(bucket)
    this.#created.delete(bucket)
  }

  /** Not below 0, nor where nothing counts. */
  down(bucket: string): void {
    const row = this.#rows.get(bucket)
    if (row === undefined || row.count === 0) return
    row.count -= 1
    this.#changed.add(bucket)
  }

  async save(db: Database): Promise<void> {
    if (this.#created.size > 0) await db.delete(cap).where(among(cap.bucket, [...this.#created]))
    if (this.#changed.size === 0) return
    const rows = [...this.#changed].map((bucket) => ({ bucket, ...this.#kept(bucket) }))
    await db
      .update(cap)
      .set({ count: given(cap.count), countedAt: sql`greatest(${given(cap.countedAt)}, ${cap.countedAt})` })
      .from(givenRows(cap, ['bucket', 'count', 'countedAt'], rows))
      .where(eq(cap.bucket, given(cap.bucket)))
  }

  #kept(bucket: string): { count: number; countedAt: Instant } {
    const row = this.#rows.get(bucket)
    return { count: row?.count ?? 0, countedAt: row?.countedAt ?? 0 }
  }
}
