import { describe, expect, it } from 'vitest'
import { type PinRecord, readPin } from '#pins/row.ts'

const least: PinRecord = { pin_id: 'P1', email: 'ann@example.com', expires_at: '2026-12-31T17:00:00Z' }

describe('readPin', () => {
  it('fills what is absent, null, empty or blank', () => {
    const pin = {
      pinId: 'P1',
      email: 'ann@example.com',
      expiresAt: Date.UTC(2026, 11, 31, 17),
      accountId: null,
      accountName: null,
      name: null,
      kind: 'caller-pin',
      locale: null,
      timeZone: null,
      setAt: null,
      portalVersion: null,
      status: 'active',
    }
    expect(readPin(least)).toEqual({ pin })
    expect(readPin({ ...least, kind: '', status: null, name: '  ', set_at: '', locale: '', time_zone: '' })).toEqual({
      pin,
    })
  })

  it('reads every column, in its canonical form', () => {
    const record = {
      ...least,
      email: 'Ann@München.Example',
      account_id: 'A-7',
      account_name: ' Möwe & Söhne ',
      name: '白石 陽子',
      kind: 'admin-pin',
      locale: 'DE-at',
      time_zone: 'europe/berlin',
      set_at: '2026-07-01T08:00:00+02:00',
      version: '12',
      status: 'revoked',
    }
    expect(readPin(record)).toEqual({
      pin: {
        pinId: 'P1',
        email: 'Ann@xn--mnchen-3ya.example',
        expiresAt: Date.UTC(2026, 11, 31, 17),
        accountId: 'A-7',
        accountName: 'Möwe & Söhne',
        name: '白石 陽子',
        kind: 'admin-pin',
        locale: 'de-AT',
        timeZone: 'Europe/Berlin',
        setAt: Date.UTC(2026, 6, 1, 6),
        portalVersion: '12',
        status: 'revoked',
      },
    })
  })

  it.each(['Asia/Kolkata', 'Europe/Kyiv', 'US/Eastern', 'UTC', 'Etc/GMT+5'])(
    'keeps the zone name %s that the portal uses',
    (zone) => {
      const result = readPin({ ...least, time_zone: zone.toLowerCase() })
      expect('pin' in result && result.pin.timeZone).toBe(zone)
    },
  )

  it('counts characters, not units, for the limit', () => {
    expect(readPin({ ...least, name: '😀'.repeat(200) })).toHaveProperty('pin')
    expect(readPin({ ...least, name: '😀'.repeat(201) })).toHaveProperty('problem.column', 'name')
  })

  it('allows joiners in names, which some languages need', () => {
    expect(readPin({ ...least, name: 'می\u200cخواهم' })).toHaveProperty('pin')
  })

  const tooLong = 'x'.repeat(201)
  it.each<[keyof PinRecord, string | null, string]>([
    ['pin_id', null, 'is empty; every row must have it'],
    ['pin_id', '', 'is empty; every row must have it'],
    ['pin_id', ' ', 'is empty; every row must have it'],
    ['pin_id', ' P1', 'begins or ends with a space'],
    ['pin_id', 'P\u00001', 'contains a control character or line break'],
    ['pin_id', 'P\u200b1', 'contains an invisible character'],
    ['pin_id', 'P\u00a01', 'contains an invisible character'],
    ['pin_id', tooLong, 'is longer than 200 characters'],
    ['email', '', 'is empty; every row must have it'],
    ['email', 'ann', 'has no `@`; expected an address such as `name@example.com`'],
    ['expires_at', '2026-12-31T17:00', 'has no offset; expected `Z` or an offset such as `+01:00` at its end'],
    ['account_id', 'A\t1', 'contains a control character or line break'],
    ['account_name', tooLong, 'is longer than 200 characters'],
    ['name', 'Ann\nBcc: x', 'contains a control character or line break'],
    ['name', 'Ann\u202enna', 'contains a control character or line break'],
    ['name', 'Ann\ud800', 'contains half of a character (a lone surrogate)'],
    ['kind', 'a\u0007b', 'contains a control character or line break'],
    ['locale', 'en_US', 'is not a language tag (BCP 47) such as `en` or `de-AT`'],
    ['locale', 'deutsch-', 'is not a language tag (BCP 47) such as `en` or `de-AT`'],
    ['time_zone', 'CEST', 'is not a time zone (IANA) such as `Europe/Berlin` or `UTC`'],
    ['time_zone', '+02:00', 'is not a time zone (IANA) such as `Europe/Berlin` or `UTC`'],
    ['set_at', 'yesterday', 'is not an instant in ISO 8601 with an offset or `Z`, such as `2026-12-31T17:00:00+01:00`'],
    ['version', tooLong, 'is longer than 200 characters'],
    ['status', 'Active', 'is not one of `active`, `revoked`, `none`'],
  ])('refuses %s %j, which %s', (column, value, reason) => {
    expect(readPin({ ...least, [column]: value })).toEqual({ problem: { column, value: value ?? '', reason } })
  })

  it('asks for an address also of a PIN that nobody will be written about', () => {
    expect(readPin({ ...least, email: '', status: 'none' })).toHaveProperty('problem.column', 'email')
  })

  it('names the first of several problems', () => {
    expect(readPin({ ...least, status: 'x', name: '\u0000', expires_at: 'x' })).toHaveProperty(
      'problem.column',
      'expires_at',
    )
  })
})
