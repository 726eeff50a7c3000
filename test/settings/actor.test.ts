import { expect, test } from 'vitest'
import { type Machine, resolveActor } from '#settings/actor.ts'

function machine(userName: string | null, kind: 'root' | 'container' | 'desk' = 'desk'): Machine {
  return { userName: () => userName, isRoot: () => kind === 'root', isContainer: () => kind === 'container' }
}

test('the flag names who acts, else the environment, else the operating system', () => {
  const env = { FOREWARN_ACTOR: 'bob' }
  expect(resolveActor('ann', env, machine('root', 'root'))).toEqual({ name: 'ann', warning: null })
  expect(resolveActor(undefined, env, machine('root', 'container'))).toEqual({ name: 'bob', warning: null })
  expect(resolveActor(undefined, {}, machine('carol'))).toEqual({ name: 'carol', warning: null })
})

test.each([
  ['as root', 'root', machine('root', 'root')],
  ['in a container', 'node', machine('node', 'container')],
  ['without a user name', 'unknown', machine(null)],
])('warns when the name says little: %s', (_name, name, where) => {
  const actor = resolveActor(undefined, { FOREWARN_ACTOR: ' ' }, where)
  expect(actor.name).toBe(name)
  expect(actor.warning).toContain('FOREWARN_ACTOR')
})

test('a name stays one visible line of sane length', () => {
  expect(resolveActor('ann\u001b[2J\n\u202eeve', {}, machine('x')).name).toBe('ann[2Jeve')
  expect(resolveActor('a'.repeat(5000), {}, machine('x')).name).toHaveLength(100)
})

test('knows a container of Kubernetes', () => {
  expect(resolveActor(undefined, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }).warning).toContain('--actor')
})
