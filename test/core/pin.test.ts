import { describe, expect, it } from 'vitest'
import { versionOf } from '#core/pin.ts'
import { aPin, instant } from './given.ts'

describe('the version of a PIN', () => {
  const pin = aPin({ setAt: instant('2026-01-10T08:00Z'), expiresAt: instant('2026-06-20T12:00Z') })

  it.each([
    ['a reset', { setAt: instant('2026-06-01T08:00Z') }],
    ['a moved expiry', { expiresAt: instant('2026-06-20T12:00:00.001Z') }],
    ['the portal’s own count', { portalVersion: '2' }],
  ])('is another after %s', (_, differs) => {
    expect(versionOf({ ...pin, ...differs })).not.toBe(versionOf(pin))
  })

  it.each([
    ['address', { email: 'new@example.com' }],
    ['zone', { timeZone: 'Asia/Kolkata' }],
    ['status', { status: 'revoked' as const }],
    ['name', { name: 'Ada' }],
  ])('is the same after another %s', (_, differs) => {
    expect(versionOf({ ...pin, ...differs })).toBe(versionOf(pin))
  })

  it('is the portal’s where it counts: setting it again to the same expiry does not matter then', () => {
    const counted = { ...pin, portalVersion: '7' }
    expect(versionOf({ ...counted, setAt: instant('2026-06-01T08:00Z') })).toBe(versionOf(counted))
  })

  it('never changes its form: people would be written to again', () => {
    expect(versionOf(pin)).toBe('2026-01-10T08:00:00Z/2026-06-20T12:00:00Z')
    expect(versionOf({ ...pin, setAt: null })).toBe('-/2026-06-20T12:00:00Z')
    expect(versionOf({ ...pin, portalVersion: 'v7' })).toBe('v7/2026-06-20T12:00:00Z')
  })
})
