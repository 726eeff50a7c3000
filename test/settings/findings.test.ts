import { expect, test } from 'vitest'
import { loadCampaigns } from '#settings/campaign-file.ts'
import { checkCampaigns, checkSettings } from '#settings/findings.ts'
import { settingKeys } from '#settings/keys.ts'
import { loadSettings } from '#settings/load.ts'
import { SettingsError } from '#settings/problem.ts'
import { folderWith } from './folder.ts'

const mail = { FOREWARN_MAIL_FROM: 'a@example.com', FOREWARN_MAIL_REPLY_TO: 'b@example.com' }

test('shows each value and where it came from, passwords masked', () => {
  const env = { ...mail, DATABASE_URL: 'postgres://me:hunter2@host/db', QUEUE_URL: '' }
  const { ok, settings, findings } = checkSettings(loadSettings({ cwd: folderWith({}), env }))
  expect(ok).toBe(true)
  expect(settings.map(({ key }) => key)).toEqual(settingKeys.map(({ name }) => name))
  expect(settings[0]).toEqual({
    key: 'database',
    value: '"postgres://me:***@host/db"',
    origin: 'environment DATABASE_URL',
  })
  expect(settings.find(({ key }) => key === 'portal.maxAge')?.value).toBe('"24h"')
  expect(findings.map(({ level, message }) => [level, message])).toEqual([
    ['warning', expect.stringContaining('QUEUE_URL')],
  ])
})

test('makes a finding of each problem, with what to do about it', () => {
  const error = new SettingsError('settings-invalid', [
    { path: 'log.level', where: 'f.yaml:1:1', value: '"loud"', expected: 'info', message: 'log.level: …' },
    { path: '', where: 'f.yaml', value: null, expected: 'valid YAML', message: 'expected …' },
  ])
  const { ok, findings } = checkSettings(error)
  expect(ok).toBe(false)
  expect(findings.map(({ rule, level, where, fix }) => [rule, level, where, fix])).toEqual([
    ['settings-invalid', 'error', 'f.yaml:1:1', 'Make log.level info.'],
    ['settings-invalid', 'error', 'f.yaml', 'Make it valid YAML.'],
  ])
})

test('tells of broken campaigns, and of files that are not called as their campaign', () => {
  const rest = 'template: a\nstages: [1d]\nlinks: { allow: [example.com] }\nfacts: {}\n'
  const folder = folderWith({ 'a.yaml': `key: a\n${rest}`, 'b.yaml': `key: c\n${rest}`, 'd.yaml': `key: D\n${rest}` })
  const findings = checkCampaigns(loadCampaigns(folder))
  expect(findings.map(({ rule, level, where, fix }) => [rule, level, where.replace(folder, ''), fix])).toEqual([
    ['campaign-invalid', 'error', '/d.yaml:1:6', 'Make key up to 64 of a-z, 0-9 and -.'],
    ['campaign-file-name', 'warning', '/b.yaml', 'Name it c.yaml.'],
  ])
})
