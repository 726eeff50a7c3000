import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadCampaigns } from '#settings/campaign-file.ts'
import { checkCampaigns, checkSettings } from '#settings/findings.ts'
import { settingKeys } from '#settings/keys.ts'
import { loadSettings } from '#settings/load.ts'
import { problem, SettingsError } from '#settings/problem.ts'
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
    problem({ path: 'log.level', where: 'f.yaml:1:1', expected: 'info', found: 'loud' }),
    problem({ path: '', where: 'f.yaml', expected: 'valid YAML', fix: 'Close the bracket.' }),
  ])
  const { ok, findings } = checkSettings(error)
  expect(ok).toBe(false)
  expect(findings.map(({ rule, level, where, fix }) => [rule, level, where, fix])).toEqual([
    ['settings-invalid', 'error', 'f.yaml:1:1', 'Make log.level info.'],
    ['settings-invalid', 'error', 'f.yaml', 'Close the bracket.'],
  ])
})

test('tells of broken campaigns, and of files that are not called as their campaign', () => {
  const rest = 'template: a\nstages: [1d]\nlinks: { allow: [example.com] }\nfacts: {}\n'
  const templates = folderWith({ 'a/template.yaml': '' })
  const folder = folderWith({ 'a.yaml': `key: a\n${rest}`, 'b.yaml': `key: c\n${rest}`, 'd.yaml': `key: D\n${rest}` })
  const findings = checkCampaigns(loadCampaigns(folder), templates)
  expect(findings.map(({ rule, level, where, fix }) => [rule, level, where.replace(folder, ''), fix])).toEqual([
    ['campaign-invalid', 'error', '/d.yaml:1:6', 'Make key a name of up to 64 of a-z, 0-9 and -.'],
    ['campaign-file-name', 'warning', '/b.yaml', 'Name it c.yaml.'],
  ])
})

test('tells of templates that are not there, at the place where they are named', () => {
  const rest = 'stages: [1d]\nlinks: { allow: [example.com] }\nfacts: {}\n'
  const templates = folderWith({ 'soft-pin/template.yaml': '', 'bare/body.mjml': '' })
  const folder = folderWith({
    'a.yaml': `key: a\ntemplate: sotf-pin\n${rest}`,
    'b.yaml': `key: b\n${rest}template: bare\n`,
    'c.yaml': `key: c\ntemplate: soft-pin\n${rest}`,
    'd.yaml': `key: d\ntemplate: other\n${rest}`,
  })
  const findings = checkCampaigns(loadCampaigns(folder), templates)
  expect(findings.map(({ rule, level, where, fix }) => [rule, level, where.replace(folder, ''), fix])).toEqual([
    ['template-missing', 'error', '/a.yaml:2:11', 'Write soft-pin instead, or add the folder.'],
    ['template-missing', 'error', '/b.yaml:5:11', 'Add the template.yaml.'],
    ['template-missing', 'error', '/d.yaml:2:11', 'Add the folder, or correct the setting templates.'],
  ])
  expect(checkCampaigns(loadCampaigns(folder), join(templates, 'none'))).toHaveLength(4)
})
