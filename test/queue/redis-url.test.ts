import { expect, test } from 'vitest'
import { parseRedisUrl } from '#queue/redis-url.ts'

const nobody = { username: null, password: null }
const plain = {
  label: 'redis://cache:6379',
  tls: false,
  nodes: [{ host: 'cache', port: 6379 }],
  credentials: nobody,
  database: 0,
  sentinel: null,
  cluster: false,
  prefix: 'forewarn',
}

test.each([
  ['redis://cache', plain],
  ['redis://cache/', plain],
  ['redis://cache:6379/0?prefix=staging', { ...plain, prefix: 'staging' }],
  [
    'rediss://app:p%40ss%2F@[::1]:7000/3',
    {
      ...plain,
      label: 'rediss://[::1]:7000/3',
      tls: true,
      nodes: [{ host: '::1', port: 7000 }],
      credentials: { username: 'app', password: 'p@ss/' },
      database: 3,
    },
  ],
  ['redis://:pass@cache', { ...plain, credentials: { username: null, password: 'pass' } }],
  ['redis://cache?cluster=true', { ...plain, cluster: true }],
  [
    'redis://cache?addr=cache2:7002&addr=cache3',
    {
      ...plain,
      label: 'redis://cache:6379,cache2:7002,cache3:6379',
      nodes: [
        { host: 'cache', port: 6379 },
        { host: 'cache2', port: 7002 },
        { host: 'cache3', port: 6379 },
      ],
      cluster: true,
    },
  ],
  [
    'redis://:of-the-sentinels@s1/2?master_name=main&addr=s2:26380&username=app&password=of-the-servers',
    {
      ...plain,
      label: 'redis://s1:26379,s2:26380/2 (Sentinel, main)',
      nodes: [
        { host: 's1', port: 26_379 },
        { host: 's2', port: 26_380 },
      ],
      credentials: { username: 'app', password: 'of-the-servers' },
      database: 2,
      sentinel: { masterName: 'main', credentials: { username: null, password: 'of-the-sentinels' } },
    },
  ],
])('reads %s', (url, address) => {
  expect(parseRedisUrl(url)).toEqual(address)
})

test.each([
  ['redis:///1', 'no host'],
  ['redis://app:secret@cache/queue', 'number of a database'],
  ['redis://app:secret@cache?db=1', 'not known, db'],
  ['redis://app:sec%ret@cache', '%25'],
  ['redis://cache?prefix=a:b', 'prefix'],
  ['redis://cache?prefix=a&prefix=b', 'prefix twice'],
  ['redis://cache?addr=', 'an addr'],
  ['redis://cache?addr=other/1', 'an addr'],
  ['redis://cache?cluster=yes', 'cluster'],
  ['redis://cache?addr=other&cluster=false', 'several addresses'],
  ['redis://cache/1?cluster=true', 'a Cluster has none but 0'],
  ['redis://cache?master_name=main&cluster=true', 'both master_name'],
  ['redis://cache?master_name=', 'empty master_name'],
  ['redis://cache?password=secret', 'before the host'],
])('refuses %s, and says why without the password', (url, words) => {
  let error: unknown
  try {
    parseRedisUrl(url)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toMatchObject({ code: 'usage', path: 'queue', message: expect.stringContaining(words) })
  expect(String(error)).not.toMatch(/sec%?ret/)
})
