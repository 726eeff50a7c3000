import { expect, test } from 'vitest'
import { parseMailbox } from '#settings/mailbox.ts'

test.each([
  ['portal@example.com', null, 'portal@example.com', 'portal@example.com'],
  [' <portal@example.com> ', null, 'portal@example.com', 'portal@example.com'],
  [
    'Partner  Portal <portal@example.com>',
    'Partner Portal',
    'portal@example.com',
    '"Partner Portal" <portal@example.com>',
  ],
  ['"Portal, Inc." <p@example.com>', 'Portal, Inc.', 'p@example.com', '"Portal, Inc." <p@example.com>'],
  ['"say \\"hi\\" <x>" <p@example.com>', 'say "hi" <x>', 'p@example.com', '"say \\"hi\\" <x>" <p@example.com>'],
  [
    'Müller GmbH <p@bücher.example>',
    'Müller GmbH',
    'p@xn--bcher-kva.example',
    '"Müller GmbH" <p@xn--bcher-kva.example>',
  ],
])('%j is one mailbox', (text, name, address, printed) => {
  expect(parseMailbox(text)).toEqual({ name, address, text: printed })
  // What is printed is the same mailbox again.
  expect(parseMailbox(printed)).toEqual({ name, address, text: printed })
})

test.each([
  ['a line break', 'A <a@example.com>\nBcc: b@example.com'],
  ['a line break in the name', '"A\r\nBcc: x" <a@example.com>'],
  ['a name turned around for the eye', 'moc.knab\u202e <a@example.com>'],
  ['two mailboxes', 'A <a@example.com>, B <b@example.com>'],
  ['two addresses', 'a@example.com,b@example.com'],
  ['two addresses in brackets', 'A <a@example.com, b@example.com>'],
  ['a group', 'Team: a@example.com;'],
  ['a comment', 'a@example.com (Portal)'],
  ['an address as the name', 'bank@example.org <a@example.com>'],
  ['an open quote', '"A <a@example.com>'],
  ['text behind the address', 'A <a@example.com> B'],
  ['no address', 'Partner Portal'],
  ['a non-ASCII local part', 'pörtal@example.com'],
  ['nothing', ''],
  ['too much', `"${'a'.repeat(400)}" <a@example.com>`],
])('%s is refused with a reason', (_name, text) => {
  expect(parseMailbox(text)).toBeTypeOf('string')
})
