import { SESClient, SendRawEmailCommand, type SendRawEmailCommandOutput } from '@aws-sdk/client-ses'

/** The real SDK, as forewarn uses it: it never retries by itself. */
export function sesClient(url: string): SESClient {
  const credentials = { accessKeyId: 'inbox', secretAccessKey: 'inbox' }
  return new SESClient({ endpoint: url, region: 'eu-west-1', credentials, maxAttempts: 1 })
}

export interface RawMail {
  readonly to?: string
  readonly raw?: string
  readonly message?: string
  readonly stage?: string
  readonly configurationSet?: string
}

function rawCommand({ to = 'ann@example.com', raw, message, stage, configurationSet }: RawMail = {}) {
  const tags = Object.entries({ message, stage }).filter((tag): tag is [string, string] => tag[1] !== undefined)
  return new SendRawEmailCommand({
    Destinations: [to],
    RawMessage: { Data: Buffer.from(raw ?? `To: ${to}\r\nSubject: Hello\r\n\r\nHello.\r\n`) },
    Tags: tags.map(([Name, Value]) => ({ Name, Value })),
    ConfigurationSetName: configurationSet,
  })
}

export function sendRaw(
  client: SESClient,
  mail: RawMail = {},
  signal?: AbortSignal,
): Promise<SendRawEmailCommandOutput> {
  return client.send(rawCommand(mail), signal === undefined ? {} : { abortSignal: signal })
}

export interface SesFailure {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** The error that a call fails with; fails itself when the call does not. */
export async function failureOf(call: Promise<unknown>): Promise<SesFailure> {
  try {
    await call
  } catch (error) {
    return error as SesFailure
  }
  throw new Error('the call was expected to fail')
}
