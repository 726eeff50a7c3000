import type { Instant } from '#core/instant.ts'
import { seededRandom } from '#core/seeded-random.ts'

import {
  type CheckedFaults,
  checkFaults,
  type Fault,
  type Faults,
  type RefusingFault,
  type SpoilingFault,
} from './faults.ts'

/** What a fault is decided on. */
export interface Struck {
  readonly action: string
  readonly to: readonly string[]
  readonly at: Instant
  /** How old the request's signature is, in ms. */
  readonly signatureAgeMs: number
  /** Recipients accepted in the last 24 hours, and the account's own limits. */
  readonly sentLast24Hours: number
  readonly max24HourSend: number
  readonly maxSendRate: number
}

export interface Strike {
  readonly latencyMs: number
  readonly fault: RefusingFault | SpoilingFault | null
}

interface Rule {
  readonly fault: Fault
  readonly fits: (call: Struck) => boolean
  seen: number
  /** Of `rate`: when the calls were let through, within its last window. */
  through: Instant[]
}

const sendingActions = ['SendEmail', 'SendRawEmail']

/** Plays faults: says which one strikes a call. Counters and the generator begin anew with each `replace`. */
export class FaultPlayer {
  #current: CheckedFaults
  #rules: Rule[] = []
  #random: () => number = Math.random

  constructor(faults?: Faults) {
    this.#current = this.replace(faults)
  }

  get current(): CheckedFaults {
    return this.#current
  }

  /** @throws {ForewarnError} `input-unreadable`; the faults that were there stay then. */
  replace(faults?: Faults): CheckedFaults {
    this.#current = checkFaults(faults)
    this.#rules = this.#current.faults.map((fault) => ({ fault, fits: fitter(fault), seen: 0, through: [] }))
    this.#random = seededRandom(this.#current.seed)
    return this.#current
  }

  strike(call: Struck): Strike {
    let latencyMs = 0
    let struck: Strike['fault'] = null
    for (const rule of this.#rules) {
      const { fault } = rule
      if (fault.fault === 'latency') {
        if (this.#isTurn(rule, call)) latencyMs += this.#latency(fault.ms)
      } else if (struck === null && this.#isTurn(rule, call) && isExceeded(rule, call)) {
        struck = fault
      }
    }
    return { latencyMs, fault: struck }
  }

  #isTurn(rule: Rule, call: Struck): boolean {
    const { every, next, probability } = rule.fault.when
    if (!rule.fits(call)) return false
    rule.seen++
    if (every !== undefined && rule.seen % every !== 0) return false
    if (next !== undefined && rule.seen > next) return false
    return probability === undefined || this.#random() < probability
  }

  #latency(ms: number | [number, number]): number {
    if (typeof ms === 'number') return ms
    const [from, to] = ms
    return from + this.#random() * (to - from)
  }
}

function fitter(fault: Fault): Rule['fits'] {
  const { actions = sendingActions, to } = fault.when
  const pattern = to === undefined ? null : addressPattern(to)
  return (call) =>
    (actions === 'all' || actions.includes(call.action)) &&
    (pattern === null || call.to.some((address) => pattern.test(address)))
}

function addressPattern(pattern: string): RegExp {
  const literals = pattern.split('*').map((literal) => literal.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${literals.join('.*')}$`, 'i')
}

/** Whether a limit is reached that a fault stands for; faults without a limit always strike. */
function isExceeded(rule: Rule, call: Struck): boolean {
  const { fault } = rule
  switch (fault.fault) {
    case 'rate':
      return !isWithinRate(rule, call.at, fault.perSecond ?? call.maxSendRate)
    case 'daily-quota':
      return isOverQuota(call, fault.recipients ?? call.max24HourSend)
    case 'signature-age':
      return call.signatureAgeMs > fault.maxSeconds * 1000
    default:
      return true
  }
}

function isOverQuota(call: Struck, recipients: number): boolean {
  return recipients >= 0 && call.sentLast24Hours + call.to.length > recipients
}

/** A sliding window: no second (or, below one a second, no span of `1 / perSecond`) holds more calls than told. */
function isWithinRate(rule: Rule, at: Instant, perSecond: number): boolean {
  const windowMs = perSecond < 1 ? 1000 / perSecond : 1000
  rule.through = rule.through.filter((through) => through > at - windowMs)
  if (rule.through.length >= Math.max(1, Math.floor(perSecond))) return false
  rule.through.push(at)
  return true
}
