import {
  ConfigurationSetDoesNotExistException,
  ConfigurationSetSendingPausedException,
  DescribeConfigurationSetCommand,
  GetAccountSendingEnabledCommand,
  GetIdentityDkimAttributesCommand,
  GetIdentityVerificationAttributesCommand,
  GetSendQuotaCommand,
  ListIdentitiesCommand,
  type SESClient,
  SendEmailCommand,
  UpdateAccountSendingEnabledCommand,
  UpdateConfigurationSetSendingEnabledCommand,
} from '@aws-sdk/client-ses'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { readMail } from '#inbox/read-mail.ts'
import { type RunningInbox, startInbox } from '#inbox/server.ts'

import { failureOf, sendRaw, sesClient } from './ses-client.ts'

const dayMs = 24 * 60 * 60 * 1000

let inbox: RunningInbox
let ses: SESClient
let now = Date.UTC(2026, 10, 23, 12)

beforeEach(async () => {
  inbox = await startInbox({ now: () => now, account: { unverified: ['unverified.example'] } })
  ses = sesClient(inbox.url)
})

afterEach(async () => {
  ses.destroy()
  await inbox.stop()
})

describe('sending', () => {
  test('keeps a raw message byte for byte, with envelope, tags, configuration set and instant', async () => {
    const raw = 'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n+/= %2B ~~~>>>???\r\n.\r\n\0\r\n'
    const sent = await sendRaw(ses, {
      to: 'ann@example.com',
      raw,
      message: '01J',
      stage: '7d',
      configurationSet: 'forewarn',
    })
    const [mail] = inbox.mails.list()
    expect(mail).toMatchObject({
      id: sent.MessageId,
      number: 1,
      at: now,
      to: ['ann@example.com'],
      tags: [
        { name: 'message', value: '01J' },
        { name: 'stage', value: '7d' },
      ],
      configurationSet: 'forewarn',
    })
    expect(mail?.raw.toString('latin1')).toBe(raw)
    expect(sent.MessageId).toMatch(/^[0-9a-f]{16}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-000000$/)
  })

  test('builds a readable message of SendEmail', async () => {
    await ses.send(
      new SendEmailCommand({
        Source: '"Portal" <portal@example.com>',
        Destination: { ToAddresses: ['ann@example.com'], BccAddresses: ['log@example.com'] },
        ReplyToAddresses: ['help@example.com'],
        Message: { Subject: { Data: 'Grüße' }, Body: { Text: { Data: 'Türe' }, Html: { Data: '<p>Türe</p>' } } },
      }),
    )
    const [mail] = inbox.mails.list()
    expect(mail?.to).toEqual(['ann@example.com', 'log@example.com'])
    const read = mail && (await readMail(mail))
    expect(read).toMatchObject({ subject: 'Grüße', text: 'Türe', html: '<p>Türe</p>' })
    expect(read?.from).toContain('portal@example.com')
    expect(mail?.raw.toString()).not.toContain('log@example.com')
  })

  test('refuses, and does not keep, what SES would refuse', async () => {
    const refused = async (change: object, code: string) => {
      const send = ses.send(
        new SendEmailCommand({
          Source: 'portal@example.com',
          Destination: { ToAddresses: ['ann@example.com'] },
          Message: { Subject: { Data: 'Hello' }, Body: { Text: { Data: 'Hello.' } } },
          ...change,
        }),
      )
      const { name, $metadata } = await failureOf(send)
      expect({ change, name, status: $metadata?.httpStatusCode }).toEqual({ change, name: code, status: 400 })
    }
    const to = (...addresses: string[]) => ({ Destination: { ToAddresses: addresses } })
    await refused(to(), 'InvalidParameterValue')
    await refused(to('ann'), 'InvalidParameterValue')
    await refused(to('ann@'), 'InvalidParameterValue')
    await refused(to('änn@example.com'), 'InvalidParameterValue')
    await refused(to('ann@exämple.com'), 'InvalidParameterValue')
    await refused(to('ann@example.com', 'b c@example.com'), 'InvalidParameterValue')
    await refused(to('ann@example.com, eve@example.com'), 'InvalidParameterValue')
    await refused(to(...Array.from({ length: 51 }, (_, n) => `ann${n}@example.com`)), 'InvalidParameterValue')
    await refused({ Tags: [{ Name: 'to', Value: 'ann@example.com' }] }, 'InvalidParameterValue')
    await refused({ Tags: [{ Name: 'a.b', Value: 'c' }] }, 'InvalidParameterValue')
    await refused({ Tags: [{ Name: 'a', Value: 'b'.repeat(257) }] }, 'InvalidParameterValue')
    await refused({ Source: 'portal@unverified.example' }, 'MessageRejected')
    expect(inbox.mails.size).toBe(0)
    expect(inbox.calls.accepted).toBe(0)
  })

  test('takes a message of up to 10 MB, and refuses one byte more', async () => {
    const mebibyte = 1024 * 1024
    await sendRaw(ses, { raw: 'x'.repeat(10 * mebibyte) })
    const failure = await failureOf(sendRaw(ses, { raw: 'x'.repeat(10 * mebibyte + 1) }))
    expect(failure.name).toBe('InvalidParameterValue')
    expect(inbox.mails.list().map((mail) => mail.raw.length)).toEqual([10 * mebibyte])
  })

  test('refuses a raw message that is not base64, in SES’s error envelope', async () => {
    for (const data of ['%%%%', 'aGk', 'aG-_', 'aG kaGk=', 'aGk=aGk=']) {
      const to = 'Destinations.member.1=ann@example.com'
      const body = `Action=SendRawEmail&${to}&RawMessage.Data=${encodeURIComponent(data)}`
      const answer = await fetch(inbox.url, { method: 'POST', body })
      const envelope = `<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>Sender</Type><Code>MalformedInput</Code>`
      expect({ data, status: answer.status, xml: await answer.text() }).toEqual({
        data,
        status: 400,
        xml: expect.stringContaining(envelope),
      })
    }
    expect(inbox.mails.size).toBe(0)
  })
})

describe('configuration sets', () => {
  test('an unknown one refuses the mail by its own error', async () => {
    const failure = await failureOf(sendRaw(ses, { configurationSet: 'other' }))
    expect(failure).toBeInstanceOf(ConfigurationSetDoesNotExistException)
    expect(failure.name).toBe('ConfigurationSetDoesNotExistException')
    const body = 'Action=DescribeConfigurationSet&ConfigurationSetName=other'
    const wire = await (await fetch(inbox.url, { method: 'POST', body })).text()
    expect(wire).toContain('<Code>ConfigurationSetDoesNotExist</Code>')
  })

  test('one that is switched off refuses mail until it is on again, and says so when described', async () => {
    const switchTo = (Enabled: boolean) =>
      ses.send(new UpdateConfigurationSetSendingEnabledCommand({ ConfigurationSetName: 'forewarn', Enabled }))
    const described = async () => {
      const ConfigurationSetAttributeNames = ['reputationOptions' as const]
      const input = { ConfigurationSetName: 'forewarn', ConfigurationSetAttributeNames }
      return (await ses.send(new DescribeConfigurationSetCommand(input))).ReputationOptions?.SendingEnabled
    }
    await switchTo(false)
    expect(await described()).toBe(false)
    const failure = await failureOf(sendRaw(ses, { configurationSet: 'forewarn' }))
    expect(failure).toBeInstanceOf(ConfigurationSetSendingPausedException)
    await sendRaw(ses, {})
    await switchTo(true)
    expect(await described()).toBe(true)
    await sendRaw(ses, { configurationSet: 'forewarn' })
    expect(inbox.mails.list().map((mail) => mail.configurationSet)).toEqual([null, 'forewarn'])
  })
})

describe('the account', () => {
  test('refuses all mail while it is paused', async () => {
    await ses.send(new UpdateAccountSendingEnabledCommand({ Enabled: false }))
    expect((await ses.send(new GetAccountSendingEnabledCommand({}))).Enabled).toBe(false)
    expect((await failureOf(sendRaw(ses))).name).toBe('AccountSendingPausedException')
    await ses.send(new UpdateAccountSendingEnabledCommand({ Enabled: true }))
    expect((await ses.send(new GetAccountSendingEnabledCommand({}))).Enabled).toBe(true)
    await sendRaw(ses)
  })

  test('counts the recipients of the last 24 hours, with those of others', async () => {
    inbox.account.sentByOthers = 100
    const sentLast24Hours = async () => (await ses.send(new GetSendQuotaCommand({}))).SentLast24Hours
    const begin = now
    await sendRaw(ses)
    now = begin + dayMs - 1
    await sendRaw(ses)
    expect(await sentLast24Hours()).toBe(102)
    now = begin + dayMs
    expect(await sentLast24Hours()).toBe(101)
    const quota = await ses.send(new GetSendQuotaCommand({}))
    expect(quota).toMatchObject({ Max24HourSend: 50_000, MaxSendRate: 14 })
  })

  test('tells which identities are verified', async () => {
    const Identities = ['example.com', 'ann@unverified.example']
    const { VerificationAttributes } = await ses.send(new GetIdentityVerificationAttributesCommand({ Identities }))
    expect(VerificationAttributes).toEqual({
      'example.com': { VerificationStatus: 'Success' },
      'ann@unverified.example': { VerificationStatus: 'Pending' },
    })
    const { DkimAttributes } = await ses.send(new GetIdentityDkimAttributesCommand({ Identities }))
    expect(DkimAttributes).toMatchObject({
      'example.com': { DkimEnabled: true, DkimVerificationStatus: 'Success' },
      'ann@unverified.example': { DkimEnabled: false, DkimVerificationStatus: 'NotStarted' },
    })
  })
})

test('says that it does not know an action', async () => {
  const failure = await failureOf(ses.send(new ListIdentitiesCommand({})))
  expect(failure).toMatchObject({ name: 'InvalidAction', $metadata: { httpStatusCode: 400 } })
})
