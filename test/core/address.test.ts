import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress, recipientForm } from '#core/address.ts'

describe('parseAddress', () => {
  it.each([
    ['ann@example.com', 'ann@example.com'],
    ["Ann.O'Dell+pin@Example.COM", "Ann.O'Dell+pin@example.com"],
    ['x@münchen.example', 'x@xn--mnchen-3ya.example'],
    ['x@straße.example', 'x@xn--strae-oqa.example'],
    ['x@ＥＸＡＭＰＬＥ.com', 'x@example.com'],
    ['x@xn--mnchen-3ya.example', 'x@xn--mnchen-3ya.example'],
    ['x@a-b.c-1.example', 'x@a-b.c-1.example'],
    [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
    [`x@${'a'.repeat(63)}.com`, `x@${'a'.repeat(63)}.com`],
  ])('takes %s', (text, address) => {
    expect(parseAddress(text)).toEqual({ address })
  })

  it.each([
    ['', 'is empty'],
    ['ann', 'has no `@`'],
    ['@example.com', 'has nothing before the `@`'],
    ['ann@', 'has nothing after the `@`'],
    ['ann@bob@example.com', 'more than one `@`'],
    ['Ann <ann@example.com>', 'space'],
    ['<ann@example.com>', 'angle brackets'],
    ['ann@example.com,bob@example.com', 'comma or semicolon'],
    ['ann@example.com;bob@example.com', 'comma or semicolon'],
    ['"ann"@example.com', 'quote'],
    ['ann(work)@example.com', 'bracket'],
    ['ann\r\nBcc: bob@example.com', 'line break'],
    ['ann@example.com\n', 'line break'],
    ['ann@example.com\u0000', 'control character'],
    ['ann @example.com', 'space'],
    ['ann\u00a0@example.com', 'space'],
    ['änn@example.com', 'ASCII'],
    ['.ann@example.com', 'dot at the wrong place'],
    ['ann.@example.com', 'dot at the wrong place'],
    ['a..nn@example.com', 'dot at the wrong place'],
    ['a:nn@example.com', 'not allowed before the `@`'],
    [`${'a'.repeat(65)}@example.com`, '64 characters'],
    ['ann@example', 'without a dot'],
    ['ann@example.com.', 'dot at the end'],
    ['ann@example..com', 'two dots in a row'],
    ['ann@.example.com', 'two dots in a row, or one at the beginning'],
    ['ann@-example.com', 'hyphen'],
    ['ann@example-.com', 'hyphen'],
    ['ann@exa_mple.com', 'no domain name has'],
    ['ann@ex%61mple.com', 'no domain name has'],
    ['ann@example.com/path', 'no domain name has'],
    ['ann@example.com:25', 'no domain name has'],
    ['ann@[192.0.2.1]', 'IP address'],
    ['ann@192.0.2.1', 'IP address'],
    ['ann@0x7f.1', 'IP address'],
    ['ann@xn--a.com', 'international domain name'],
    ['ann@a\u200db.com', 'international domain name'],
    [`x@${'a'.repeat(64)}.com`, '63 characters'],
    [`x@${'a.'.repeat(126)}com`, '254 characters'],
    [`${'a'.repeat(10)}@${'a.'.repeat(121)}com`, '254 characters'],
  ])('refuses %j', (text, reason) => {
    expect(parseAddress(text)).toEqual({ problem: expect.stringContaining(reason) })
  })

  it('gives only what it would take again unchanged, and nothing that could end a header or begin another address', () => {
    const texts = fc.oneof(
      fc.emailAddress(),
      fc.string({ unit: 'grapheme' }).map((text) => `ann@${text}.example`),
      fc.string({ unit: 'binary' }).map((text) => `${text}@example.com`),
      fc.tuple(fc.emailAddress(), fc.constantFrom('\r', '\n', ',', ';', '<', ' ', '"')).map(([a, b]) => a + b + a),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseAddress(text)
        if ('problem' in parsed) return
        expect(parsed.address).toMatch(/^[!-~]+$/)
        expect(parsed.address).not.toMatch(/[,;<>"()\\]/)
        expect(parseAddress(parsed.address)).toEqual(parsed)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('recipientForm', () => {
  it('makes one recipient of addresses in mixed case', () => {
    expect(recipientForm('Ann@example.com')).toBe(recipientForm('aNN@example.com'))
  })
})
