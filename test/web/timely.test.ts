import { expect, it } from 'vitest'
import { timely } from '#web/timely.ts'

/** Answers that come when a test gives them. */
function anOracle() {
  const asked: PromiseWithResolvers<number>[] = []
  return {
    asked,
    ask: () => {
      const answer = Promise.withResolvers<number>()
      asked.push(answer)
      return answer.promise
    },
  }
}

it('gives the answer, and asks anew for the next', async () => {
  let asked = 0
  const ask = timely(async () => ++asked, 60_000)
  expect([await ask(), await ask()]).toEqual([1, 2])
})

it('rejects when no answer comes in time, and asks no second time while the first is out', async () => {
  const oracle = anOracle()
  const ask = timely(oracle.ask, 1_000)
  const impatient = timely(ask, 5)
  await expect(impatient()).rejects.toThrow('no answer within 5 ms')
  const [one, other] = [ask(), ask()]
  expect(oracle.asked).toHaveLength(1)
  oracle.asked[0]?.resolve(7)
  expect(await Promise.all([one, other])).toEqual([7, 7])
})

it('gives up an answer that was out for ten times its patience, and asks again', async () => {
  const oracle = anOracle()
  const ask = timely(oracle.ask, 3)
  while (oracle.asked.length < 2) await ask().catch(() => undefined)
  const answered = ask()
  oracle.asked[0]?.reject(new Error('too late to matter'))
  oracle.asked.at(-1)?.resolve(7)
  expect(await answered).toBe(7)
})

it('tells each asker what went wrong, and asks again', async () => {
  const oracle = anOracle()
  const ask = timely(oracle.ask, 60_000)
  const askers = [ask(), ask()]
  oracle.asked[0]?.reject(new Error('away'))
  for (const asker of askers) await expect(asker).rejects.toThrow('away')
  const next = ask()
  oracle.asked[1]?.resolve(1)
  expect(await next).toBe(1)
})
