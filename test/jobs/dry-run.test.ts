import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Campaign } from '#core/campaign.ts'
import type { Pin } from '#core/pin.ts'
import { type DryReminder, dryRun } from '#jobs/dry-run.ts'
import { scan } from '#jobs/scan.ts'
import { everything } from '#ledger/ledger.ts'
import { someCampaign, somePeople, someZone } from './any-people.ts'
import { aHolder, dayMs, hourMs, monday, never, newWorld, ops, type World } from './world.ts'

async function tried(world: World, campaign: Campaign = world.campaign) {
  const reminders: DryReminder[] = []
  const at = world.clocks.business()
  const result = await dryRun(world.ports, { campaign, at }, (reminder) => reminders.push(reminder), never)
  return { ...result, reminders }
}

/** What a scan left to be sent. */
async function waiting(world: World): Promise<Record<string, unknown>[]> {
  return world.look(`
    select reminder.pin_id as pinId, version, reminder.stage, due_at as dueAt
    from reminder left join message on message.id = message_id
    where outcome is null and (message_id is null or state = 'pending') order by 1, 2, 3`)
}

function sorted(reminders: readonly DryReminder[]) {
  const told = reminders.map(({ pinId, version, stage, dueAt }) => ({ pinId, version, stage, dueAt }))
  return told.sort((one, other) => (`${one.pinId} ${one.version}` < `${other.pinId} ${other.version}` ? -1 : 1))
}

async function everyTable(world: World) {
  const tables = ['reminder', 'message', 'attempt', 'cap', 'scan', 'lease', 'audit', 'gate', 'pace', 'meta', 'pin']
  return Promise.all(tables.map((table) => world.look(`select * from ${table} order by 1`)))
}

/** What may have become of a PIN since it was planned. */
const change = fc.oneof(
  fc.constant((pin: Pin): Pin | null => pin),
  fc.constant(() => null),
  fc.constant((pin: Pin) => ({ ...pin, setAt: pin.expiresAt - 40 * dayMs })),
  fc.constant((pin: Pin) => ({ ...pin, status: 'revoked' as const })),
  fc.constant((pin: Pin) => ({ ...pin, status: 'active' as const })),
  fc.constant((pin: Pin) => ({ ...pin, email: null })),
  fc.constant((pin: Pin) => ({ ...pin, email: 'moved@example.org' })),
  someZone.map((timeZone) => (pin: Pin) => ({ ...pin, timeZone })),
)

const story = fc.record({
  campaign: someCampaign,
  people: somePeople,
  changes: fc.array(change, { minLength: 5, maxLength: 5 }),
  /** What becomes of messages after the first scan. */
  sends: fc.array(fc.constantFrom('wait', 'sent', 'sending', 'in_doubt'), { minLength: 3, maxLength: 3 }),
  hoursLater: fc.constantFrom(0, 1, 26, 80, 200),
  silenced: fc.boolean(),
})

describe('a dry run', () => {
  it('tells exactly what a scan then does, whatever happened before', async () => {
    await fc.assert(
      fc.asyncProperty(story, async ({ campaign, people, changes, sends, hoursLater, silenced }) => {
        const world = await newWorld({ campaign })
        await world.hold(...people)
        await world.scan()
        const ids = await world.look("select id from message where state = 'pending' order by 1")
        for (const [n, { id }] of (ids as { id: string }[]).entries()) {
          const becomes = sends[n % sends.length]
          if (becomes !== 'wait') await world.tamper(`update message set state = '${becomes}' where id = '${id}'`)
          if (becomes === 'sent') await world.tamper(`update reminder set outcome = 'sent' where message_id = '${id}'`)
        }
        for (const [n, pin] of people.entries()) {
          const changed = changes[n % changes.length]?.(pin) ?? null
          await (changed === null ? world.drop(pin) : world.hold(changed))
        }
        if (silenced) await world.ledger.suppressions.add('person-1@example.org', ops)
        world.clocks.businessAt += hoursLater * hourMs

        const before = await everyTable(world)
        const dry = await tried(world)
        expect(await everyTable(world)).toEqual(before)
        const reopened = new Set(before[0]?.filter(({ outcome }) => outcome === 'skipped').map(keyOf))

        const done = await world.scan()
        expect({ examined: dry.examined, skipped: dry.skipped }).toEqual({
          examined: done?.examined,
          skipped: done?.skipped,
        })
        const after = await waiting(world)
        expect(sorted(dry.reminders).map(keyOf)).toEqual(after.map(keyOf))
        // One that is taken back keeps the due instant that it had once.
        const isNew = (reminder: object) => !reopened.has(keyOf(reminder))
        expect(sorted(dry.reminders).filter(isNew)).toEqual(after.filter(isNew))
      }),
      { numRuns: 12, endOnFailure: true },
    )
  }, 120_000)
})

describe('a dry run of one PIN', () => {
  /** What a dry run and then a scan of the same campaign find, as `stage` and why not. */
  async function both(world: World, campaign = world.campaign) {
    const dry = await tried(world, campaign)
    const done = await scan(world.ports, { campaign }, never)
    expect(dry.skipped).toEqual(done?.skipped)
    expect(sorted(dry.reminders).map(keyOf)).toEqual((await waiting(world)).map(keyOf))
    return { stages: dry.reminders.map(({ stage }) => stage), skipped: dry.skipped }
  }

  it('lists one that the portal has again after it was gone', async () => {
    const world = await newWorld()
    await world.due(aHolder('ada'))
    await world.drop(aHolder('ada'))
    expect(await both(world)).toEqual({ stages: [], skipped: { gone: 1 } })
    await world.hold(aHolder('ada'))
    expect(await both(world)).toEqual({ stages: ['7d'], skipped: {} })
  })

  it('lists the next stage while the mail of the last one is in doubt', async () => {
    const world = await newWorld()
    await world.due(aHolder('ada'))
    await world.tamper("update message set state = 'in_doubt'")
    world.clocks.businessAt += 4 * dayMs
    expect(await both(world)).toEqual({ stages: ['1d'], skipped: {} })
  })

  it('lists a held one at its next stage, and what was open as superseded', async () => {
    const world = await newWorld()
    await world.due(aHolder('ada'))
    await world.ledger.gates.close(everything, ops)
    world.clocks.businessAt += 4 * dayMs
    expect(await both(world)).toEqual({ stages: ['1d'], skipped: { superseded: 1 } })
  })

  it('lists one stage alone where two would be open side by side', async () => {
    const world = await newWorld({ campaign: { stages: ['1d'] } })
    const pin = aHolder('ada', { expiresAt: monday + 50 * hourMs, timeZone: 'Pacific/Kiritimati' })
    world.clocks.businessAt = monday + 33.5 * hourMs
    await world.due(pin)
    // In the other zone the nearer stage is not due yet, and the wider one, which is new, is.
    await world.hold({ ...pin, timeZone: 'Pacific/Pago_Pago' })
    expect(await both(world, { ...world.campaign, stages: ['7d', '1d'] })).toEqual({
      stages: ['1d'],
      skipped: { superseded: 1 },
    })
  })

  it('tells whom, and since when it is due, by the address as it is now', async () => {
    const world = await newWorld()
    await world.hold(aHolder('ada', { email: 'ada@new.example' }))
    const recipientKey = world.ledger.recipientKey('ada@new.example')
    const { reminders } = await tried(world)
    expect(reminders).toMatchObject([
      { pinId: 'pin-of-ada-1', stage: '7d', dueAt: monday - hourMs, address: 'ada@new.example', recipientKey },
    ])
  })
})

function keyOf(reminder: object): string {
  const { pinId, pin_id, version, stage } = reminder as Record<string, string>
  return [pinId ?? pin_id, version, stage].join(' ')
}
