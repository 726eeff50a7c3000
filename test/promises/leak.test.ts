import { expect, it } from 'vitest'
import type { Faults } from '#inbox/faults.ts'
import { mailed } from './harness/books.ts'
import { type Ended, logLines } from './harness/forewarn.ts'
import { daysAfter, inSixAndAHalfDays, type PinRow } from './harness/pin-rows.ts'
import { newSite } from './harness/site.ts'
import { onEveryStack } from './harness/stacks.ts'

const now = '2027-03-01T12:00:00Z'

const names = [
  'Zebulon Quarkington',
  '"><img src=x onerror=alert(1)> Zebulon',
  "Robert'); DROP TABLE message;-- Quarkington",
  '{{reset}} {name} %s Zebulon',
  '=cmd|calc Quarkington',
  'Ζebulon 🦉 Quarkington',
]

/** Every way in which a call can end; SES's refusals quote the address. */
const faults: Faults = {
  faults: [
    { fault: 'reject', message: 'Address zebulon-0@quarkington.example is bad', when: { to: 'zebulon-0@*' } },
    { fault: 'error-500', when: { to: 'zebulon-1@*' } },
    { fault: 'cut', accepted: true, when: { to: 'zebulon-2@*' } },
    { fault: 'empty-answer', when: { to: 'zebulon-3@*' } },
  ],
}

onEveryStack('P7: no leak', (stack) => {
  it('tells no address, name or PIN id in the log or the result of a run, whatever happens to the mails', async () => {
    const site = await newSite(stack, { pins: people(daysAfter(now, 6)), inbox: { faults } })

    const end = await site.forewarn(['run', '--once', '--at', now, '--log-level', 'debug'])

    expect(end.code).toBe(4)
    expect(mailed(site.inbox)).toHaveLength(4)
    expect(logLines(end.stderr).map(({ msg }) => msg)).toContain('message.sent')
    expectNoPerson(end)
  })

  it('tells none in the log of the service either', async () => {
    const site = await newSite(stack, { pins: people(inSixAndAHalfDays()), inbox: { faults } })

    const service = site.start(['start', '--log-level', 'debug'])
    await site.inbox.accepted(4)
    service.kill('SIGTERM')

    expectNoPerson(await service.ended)
  })

  it('tells rejected values of an import on stdout only', async () => {
    const site = await newSite(stack, { pins: [], enabled: false })

    const end = await site.importPins([
      { pin_id: 'PIN-QUARK-1', email: 'zebulon quarkington', expires_at: now },
      { pin_id: 'PIN-QUARK-2', email: 'zebulon-2@quarkington.example', expires_at: 'Quarkington' },
      { pin_id: 'PIN-QUARK-3', email: 'zebulon-3@quarkington.example', expires_at: now },
    ])

    expect(end.code).toBe(4)
    expect(end.stdout).toContain('zebulon quarkington')
    expect(end.stderr).not.toMatch(person)
  })
})

/** What only a person's data would contain. */
const person = /zebulon|quark|robert/i

function people(expires_at: string): PinRow[] {
  return names.map((name, index) => ({
    pin_id: `PIN-QUARK-${index}`,
    email: `zebulon-${index}@quarkington.example`,
    account_id: `ACCOUNT-QUARK-${index}`,
    account_name: `Quarkington & Sons <${index}>`,
    name,
    expires_at,
  }))
}

function expectNoPerson({ stdout, stderr }: Ended): void {
  expect(stdout).not.toMatch(person)
  expect(stderr).not.toMatch(person)
}
