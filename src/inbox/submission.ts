import { domainToASCII } from 'node:url'

import MailComposer from 'nodemailer/lib/mail-composer'

import { type Account, isVerified } from './account.ts'
import { type Answer, element, refused } from './answers.ts'
import { type Query, recipientsOf, type Tag, tagsOf } from './query.ts'

/** What a sending call asks to be sent, found good. */
export interface Submission {
  readonly source: string
  readonly to: readonly string[]
  readonly tags: readonly Tag[]
  readonly configurationSet: string | null
  readonly raw: Buffer
}

/** SES's limits for one message. */
export const maxMessageBytes = 10 * 1024 * 1024
const maxRecipients = 50

/** Reads SendEmail or SendRawEmail, and refuses what SES would refuse, in SES's words where they are known. */
export async function readSubmission(query: Query, account: Account): Promise<Submission | Answer> {
  const to = recipientsOf(query)
  const tags = tagsOf(query)
  const source = query.one('Source') ?? ''
  const configurationSet = query.one('ConfigurationSetName') ?? null
  const refusal =
    badAddresses(source, to) ?? badTags(tags) ?? pausedSending(account, configurationSet) ?? unverified(account, source)
  if (refusal) return refusal

  const raw = query.action === 'SendRawEmail' ? rawMessage(query) : await composed(query, source)
  if (!Buffer.isBuffer(raw)) return raw
  if (raw.length > maxMessageBytes) {
    return invalid(`Message length is more than ${maxMessageBytes} bytes long: '${raw.length}'.`)
  }
  return { source, to, tags, configurationSet, raw }
}

function badAddresses(source: string, to: readonly string[]): Answer | undefined {
  if (to.length === 0) return invalid('No recipients: this inbox reads them from Destinations, not from the message.')
  if (to.length > maxRecipients) return invalid(`Recipient count exceeds ${maxRecipients}.`)
  const problem = (source === '' ? to : [source, ...to]).map(addressProblem).find((found) => found !== undefined)
  return problem === undefined ? undefined : invalid(problem)
}

/** SES takes ASCII only, also in the domain: IDN must come as punycode. A display name may stand before `<…>`. */
function addressProblem(given: string): string | undefined {
  const address = /<([^<>]*)>\s*$/.exec(given)?.[1] ?? given
  const at = address.lastIndexOf('@')
  if (at <= 0 || at === address.length - 1) return "Missing final '@domain'"
  const local = address.slice(0, at)
  const domain = address.slice(at + 1)
  if (/[^\x21-\x7e]/.test(local)) return 'Local address contains non-ASCII, control or whitespace characters'
  if (/[^\x21-\x7e]/.test(domain)) return 'Domain contains non-ASCII, control or whitespace characters'
  if (/[<>(),;:\\"@[\]]/.test(local) || local.length > 64 || domainToASCII(domain) === '') return 'Illegal address'
  return undefined
}

function badTags(tags: readonly Tag[]): Answer | undefined {
  for (const { name, value } of tags) {
    if (!/^[A-Za-z0-9_-]{1,256}$/.test(name) || !/^[A-Za-z0-9_-]{1,256}$/.test(value)) {
      return invalid(`Invalid tag <${name}>: names and values are 1 to 256 of A-Z, a-z, 0-9, underscore, hyphen.`)
    }
  }
  if (new Set(tags.map((tag) => tag.name)).size < tags.length) return invalid('Duplicate tag names are not allowed.')
  return undefined
}

function pausedSending(account: Account, setName: string | null): Answer | undefined {
  if (!account.sendingEnabled) return accountPaused()
  if (setName === null) return undefined
  const set = account.configurationSets[setName]
  if (!set) return unknownSet(setName)
  if (set.sendingEnabled) return undefined
  const message = `Email sending is disabled for configuration set <${setName}>.`
  return refused('ConfigurationSetSendingPausedException', message, [element('ConfigurationSetName', setName)])
}

/** SES answers with this when the account is paused, by AWS or by ourselves. */
export function accountPaused(): Answer {
  return refused('AccountSendingPausedException', 'Email sending is disabled for the account.')
}

/** The code on the wire lacks the `Exception` that the SDK's class has. */
export function unknownSet(name: string): Answer {
  const message = `Configuration set <${name}> does not exist.`
  return refused('ConfigurationSetDoesNotExist', message, [element('ConfigurationSetName', name)])
}

function unverified(account: Account, source: string): Answer | undefined {
  const address = /<([^<>]*)>\s*$/.exec(source)?.[1] ?? source
  if (address === '' || isVerified(account, address)) return undefined
  const check = `The following identities failed the check in region LOCAL: ${address}`
  return refused('MessageRejected', `Email address is not verified. ${check}`)
}

function rawMessage(query: Query): Buffer | Answer {
  const data = query.one('RawMessage.Data') ?? ''
  const raw = Buffer.from(data, 'base64')
  // Node skips what is not base64, which shows in the length, and also reads the alphabet of URLs.
  const isWhole = data.length % 4 === 0 && raw.length === Buffer.byteLength(data, 'base64')
  const isBase64 = isWhole && !data.includes('-') && !data.includes('_')
  if (!isBase64) return refused('MalformedInput', 'RawMessage.Data is not valid base64.')
  if (data === '') return invalid('Missing required parameter RawMessage.Data.')
  return raw
}

async function composed(query: Query, source: string): Promise<Buffer | Answer> {
  const subject = query.one('Message.Subject.Data')
  const text = query.one('Message.Body.Text.Data')
  const html = query.one('Message.Body.Html.Data')
  if (source === '') return invalid('Missing required parameter Source.')
  if (subject === undefined) return invalid('Missing required parameter Message.Subject.Data.')
  if (text === undefined && html === undefined) return invalid('Missing required parameter Message.Body.')
  return new MailComposer({
    from: source,
    to: query.many('Destination.ToAddresses'),
    cc: query.many('Destination.CcAddresses'),
    replyTo: query.many('ReplyToAddresses'),
    subject,
    ...(text === undefined ? {} : { text }),
    ...(html === undefined ? {} : { html }),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build()
}

function invalid(message: string): Answer {
  return refused('InvalidParameterValue', message)
}
