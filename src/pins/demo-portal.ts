import type { Instant } from '#core/instant.ts'
import type { Pin, PinStatus } from '#core/pin.ts'
import { seededRandom } from '#core/seeded-random.ts'

export interface DemoOptions {
  /** how many PINs */
  readonly count: number
  /** The same seed gives the same portal, whose instants are relative to `at`. */
  readonly seed: number
  readonly at: Instant
}

/**
 * The PINs of a made-up portal: a few firms in several countries and the people who hold PINs there, some of them more than one.
 * Among each twenty PINs in a row every stage of the shipped campaign has one that is due now; others are not due for weeks,
 * expired long ago, revoked, never set, or were reset a moment ago. Addresses end in example.com, .org and .net only.
 */
export function demoPins({ count, seed, at }: DemoOptions): Pin[] {
  const random = seededRandom(seed)
  const pins: Pin[] = []
  for (let number = 1; pins.length < count; number += 1) {
    const holder = makeHolder(number, random)
    const held = random() < 0.1 ? 2 + Math.floor(random() * 3) : 1
    for (let i = 0; i < held && pins.length < count; i += 1) pins.push(makePin(pins.length, holder, random, at))
  }
  return pins
}

/** From when to when after `at` a PIN expires (in hours), how long before that it was set, and its status. */
interface Situation {
  readonly expiresInHours: readonly [number, number]
  readonly setDaysBefore: number
  readonly status: PinStatus
}

const minuteMs = 60_000
const hourMs = 3_600_000
const dayHours = 24
const usual = { setDaysBefore: 180, status: 'active' } as const

/** Dealt in turn, so that a portal of twenty PINs has them all. Ranges end short of the day, since zones shift its bounds. */
const situations: readonly Situation[] = [
  { ...usual, expiresInHours: [16 * dayHours, 29 * dayHours] },
  { ...usual, expiresInHours: [8 * dayHours, 13 * dayHours] },
  { ...usual, expiresInHours: [2.5 * dayHours, 6.5 * dayHours] },
  { ...usual, expiresInHours: [2, 23] },
  { ...usual, expiresInHours: [-5 * dayHours, -2] },
  { ...usual, expiresInHours: [45 * dayHours, 80 * dayHours] },
  { ...usual, expiresInHours: [90 * dayHours, 170 * dayHours] },
  { ...usual, expiresInHours: [16 * dayHours, 29 * dayHours] },
  { ...usual, expiresInHours: [60 * dayHours, 120 * dayHours] },
  { ...usual, expiresInHours: [3 * dayHours, 6 * dayHours], status: 'revoked' },
  { ...usual, expiresInHours: [8 * dayHours, 13 * dayHours] },
  // Reset within the last two days: not due for months.
  { ...usual, expiresInHours: [178 * dayHours, 180 * dayHours] },
  { ...usual, expiresInHours: [100 * dayHours, 160 * dayHours] },
  { ...usual, expiresInHours: [10 * dayHours, 25 * dayHours], status: 'none' },
  { ...usual, expiresInHours: [2.5 * dayHours, 6.5 * dayHours] },
  { ...usual, expiresInHours: [36 * dayHours, 60 * dayHours] },
  // Long expired: nobody is written to any more.
  { ...usual, expiresInHours: [-40 * dayHours, -20 * dayHours] },
  // Set for ten days, two days ago: the widest stages never applied.
  { ...usual, expiresInHours: [7.5 * dayHours, 8 * dayHours], setDaysBefore: 10 },
  { ...usual, expiresInHours: [120 * dayHours, 170 * dayHours] },
  { ...usual, expiresInHours: [-3 * dayHours, -2] },
]

interface Region {
  readonly locale: string
  readonly timeZones: readonly string[]
  readonly firms: readonly string[]
  readonly given: readonly string[]
  readonly family: readonly string[]
}

/** Invented firms and people. Names in other scripts are followed by a Latin spelling after a slash, for the address. */
const regions: readonly Region[] = [
  {
    locale: 'en',
    timeZones: ['America/New_York', 'America/Chicago', 'America/Los_Angeles', 'America/Toronto'],
    firms: ['Harborlight Systems', 'Juniper Ridge Software', 'Tallgrass Data'],
    given: ['Avery', 'Jordan', 'Maya', 'Dwayne', 'Priscilla', 'Theo', 'Renee', 'Caleb'],
    family: ['Whitlock', 'Okafor', 'Sandoval', 'Brightwater', 'Nguyen', "O'Dell", 'Castellane', 'Marsh'],
  },
  {
    locale: 'en-GB',
    timeZones: ['Europe/London', 'Europe/Dublin'],
    firms: ['Fenwick & Loam', 'Saltmarsh Consulting'],
    given: ['Imogen', 'Callum', 'Niamh', 'Rhys', 'Sunita', 'Declan'],
    family: ['Ashdown', 'Mac Giolla', 'Pemberley', 'Trevanion', 'Kaur-Hughes', 'Byrne'],
  },
  {
    locale: 'en-IN',
    timeZones: ['Asia/Kolkata'],
    firms: ['Neelgiri Infotech', 'Sagarmatha Labs'],
    given: ['Ananya', 'Rohan', 'Meenakshi', 'Farhan', 'Ishaan'],
    family: ['Deshpande', 'Iyer', 'Chowdhury', 'Quadri', 'Bhandari'],
  },
  {
    locale: 'en-AU',
    timeZones: ['Australia/Sydney', 'Pacific/Auckland', 'Australia/Adelaide'],
    firms: ['Wattlebird Digital'],
    given: ['Matilda', 'Hemi', 'Lachlan', 'Aroha'],
    family: ['Kingsford', 'Te Rangi', 'Bellbird', 'Novak'],
  },
  {
    locale: 'de',
    timeZones: ['Europe/Berlin', 'Europe/Vienna', 'Europe/Zurich'],
    firms: ['Birkenhain Systemhaus', 'Möwe & Söhne Datentechnik'],
    given: ['Jürgen', 'Anneliese', 'Björn', 'Käthe', 'Florian'],
    family: ['Groß', 'Müller-Lindner', 'Weißenfels', 'Öztürk', 'Sandner'],
  },
  {
    locale: 'fr',
    timeZones: ['Europe/Paris', 'America/Toronto'],
    firms: ['Atelier Numérique du Lac'],
    given: ['Zoé', 'François', 'Hélène', 'Loïc'],
    family: ['Delacour', 'Lefèvre', 'N’Diaye', 'Saint-Aubin'],
  },
  {
    locale: 'es',
    timeZones: ['Europe/Madrid', 'America/Mexico_City', 'America/Bogota'],
    firms: ['Cumbre Azul Tecnología'],
    given: ['Íñigo', 'Lucía', 'Andrés', 'Ximena'],
    family: ['Peñalver', 'de la Fuente', 'Zárate', 'Ibáñez'],
  },
  {
    locale: 'pt-BR',
    timeZones: ['America/Sao_Paulo'],
    firms: ['Ipê Amarelo Sistemas'],
    given: ['João', 'Conceição', 'Thiago'],
    family: ['Magalhães', 'Assunção', 'Figueirôa'],
  },
  {
    locale: 'pl',
    timeZones: ['Europe/Warsaw'],
    firms: ['Żurawie Oprogramowanie'],
    given: ['Małgorzata', 'Zbigniew', 'Łukasz'],
    family: ['Wiśniewska', 'Żółkowski', 'Brzęczek'],
  },
  {
    locale: 'ja',
    timeZones: ['Asia/Tokyo'],
    firms: ['青葉システムズ/aoba systems'],
    given: ['陽子/yoko', '健太/kenta', '美咲/misaki'],
    family: ['白石/shiraishi', '三浦/miura', '小川/ogawa'],
  },
]

interface Holder {
  readonly email: string
  readonly name: string
  readonly accountId: string
  readonly accountName: string
  readonly locale: string
  readonly timeZone: string
}

function makeHolder(number: number, random: () => number): Holder {
  const region = pick(random() < 0.7 ? regions.filter(({ locale }) => locale.startsWith('en')) : regions, random)
  const firm = pick(region.firms, random)
  const given = pick(region.given, random)
  const family = pick(region.family, random)
  const familyFirst = region.locale === 'ja'
  return {
    // The number keeps namesakes apart.
    email: `${slug(given)}.${slug(family)}${number}@${slug(firm)}.example.${pick(['com', 'org', 'net'], random)}`,
    name: familyFirst ? `${shown(family)} ${shown(given)}` : `${shown(given)} ${shown(family)}`,
    accountId: `ACC-${slug(firm).toUpperCase()}`,
    accountName: shown(firm),
    locale: region.locale,
    timeZone: pick(region.timeZones, random),
  }
}

function makePin(index: number, holder: Holder, random: () => number, at: Instant): Pin {
  const { expiresInHours, setDaysBefore, status } = nth(situations, index % situations.length)
  const [from, to] = expiresInHours
  const expiresAt = Math.floor((at + (from + random() * (to - from)) * hourMs) / minuteMs) * minuteMs
  return {
    pinId: `PIN-${String(index + 1).padStart(6, '0')}`,
    kind: 'caller-pin',
    status,
    ...holder,
    setAt: status === 'none' ? null : expiresAt - setDaysBefore * dayHours * hourMs,
    expiresAt,
    portalVersion: null,
  }
}

/** The name as people read it. */
function shown(name: string): string {
  return name.split('/')[0] ?? name
}

/** The name in an address: ASCII, words joined by hyphens. */
function slug(name: string): string {
  const latin = name.split('/').at(-1) ?? name
  return latin
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll('ł', 'l')
    .normalize('NFD')
    .replace(/[\p{M}'’]/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
}

function pick<T>(list: readonly T[], random: () => number): T {
  return nth(list, Math.floor(random() * list.length))
}

function nth<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`no item ${index} in a list of ${list.length}`)
  return item
}
