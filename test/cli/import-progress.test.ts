import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { progressLine, progressText } from '#cli/import-progress.ts'
import type { ImportProgress } from '#pins/import.ts'

const progress: ImportProgress = {
  phase: 'rows',
  read: 120_000,
  accepted: 119_000,
  rejectedTotal: 37,
  done: 45_999,
  total: 100_000,
}
const at = Date.UTC(2026, 10, 24, 2, 12, 45)

describe('the line that tells how far an import is', () => {
  it.each<[string, Partial<ImportProgress>, number | null]>([
    ['120000 rows read, 37 rejected, 45 %, done at 03:12:45', {}, at],
    ['120000 rows read, 37 rejected, 45 %', {}, null],
    ['1 row read, 0 rejected, 0 %', { read: 1, rejectedTotal: 0, done: 1 }, null],
    ['120000 rows read, 37 rejected, 99 %', { done: 99_999 }, null],
    ['120000 rows read, 37 rejected, 100 %', { done: 100_000 }, null],
    ['120000 rows read, 37 rejected, 100 %', { done: 100_001 }, null],
    ['120000 rows read, 37 rejected, 12.3 MB', { done: 12_345_678, total: null }, null],
    ['checking before anything is replaced: 120000 rows read, 45 %, done at 03:12:45', { phase: 'ahead' }, at],
    ['removing: 2000 of 5000 PINs', { phase: 'removal', done: 2_000, total: 5_000 }, null],
  ])('%s', (text, more, finishAt) => {
    expect(progressText({ ...progress, ...more }, finishAt, 'Europe/Berlin')).toBe(text)
  })
})

describe('on a terminal it', () => {
  function open(columns: number) {
    const shown: string[] = []
    const terminal = Object.assign(new PassThrough(), { columns })
    terminal.on('data', (data: Buffer) => shown.push(data.toString()))
    let nowMs = 1_000
    const clocks = { wall: () => at + nowMs, monotonicMs: () => nowMs }
    const line = progressLine(terminal as unknown as NodeJS.WriteStream, clocks)
    return { shown, line, pass: (ms: number) => (nowMs += ms) }
  }

  it('is written anew ten times a second at most', () => {
    const { shown, line, pass } = open(80)
    for (let n = 0; n < 30; n += 1) {
      line.tell(progress)
      pass(10)
    }
    expect(shown).toHaveLength(3)
    expect(new Set(shown)).toEqual(new Set(['\r120000 rows read, 37 rejected, 45 %\u001b[K']))
  })

  it('knows the end of a phase from its speed, and begins to guess anew in the next', () => {
    const { shown, line, pass } = open(80)
    line.tell({ ...progress, done: 0 })
    pass(2_000)
    line.tell({ ...progress, done: 25_000 })
    expect(shown[1]).toContain(`done at ${new Date(at + 3_000 + 6_000).toTimeString().slice(0, 8)}`)
    pass(2_000)
    line.tell({ ...progress, phase: 'removal', done: 1 })
    expect(shown[2]).not.toContain('done at')
  })

  it('never wraps, and leaves nothing', () => {
    const { shown, line } = open(20)
    line.tell(progress)
    line.clear()
    expect(shown).toEqual(['\r120000 rows read, 3\u001b[K', '\r\u001b[K'])
  })

  it('writes nothing at all when nothing was told', () => {
    const { shown, line } = open(80)
    line.clear()
    expect(shown).toEqual([])
  })
})
