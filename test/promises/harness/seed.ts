import { seededRandom } from '#core/seeded-random.ts'

/** Random choices that come again with the same seed. */
export interface Chance {
  /** A whole number from `from` to `to`, both included. */
  readonly between: (from: number, to: number) => number
  readonly oneOf: <T>(choices: readonly T[]) => T
}

/** How often what is random is tried; TORTURE_TIMES sets it. */
export const times = Number(process.env.TORTURE_TIMES ?? 2)

/** Begins a sequence of random choices, and prints its seed: TORTURE_SEED=… plays it again. */
export function chance(what: string): Chance {
  const seed = Number(process.env.TORTURE_SEED ?? Math.floor(Math.random() * 1_000_000))
  process.stdout.write(`${what}: TORTURE_SEED=${seed}\n`)
  const random = seededRandom(seed)
  const between = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1))
  return {
    between,
    oneOf: (choices) => choices[between(0, choices.length - 1)] as (typeof choices)[number],
  }
}
