import type { SesMail } from '#mail/mail.ts'

/** Bytes that no text encoding would leave as they are. */
const raw = Uint8Array.from([...Buffer.from('To: ann@example.com\r\nSubject: Hello\r\n\r\n+/=& %20\r\n'), 0, 128, 255])

export const mail: SesMail = {
  raw,
  source: 'portal@example.com',
  destination: 'ann@example.com',
  configurationSet: 'forewarn',
  tags: { message: '01J00000000000000000000000', campaign: 'soft-pin', stage: '14d' },
}
