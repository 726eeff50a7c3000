import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Worker } from '#ledger/ledger.ts'

/**
 * Names this process in a way by which another one on the same machine can prove it gone. Where the system does not tell
 * enough for that, nobody will: its attempts then wait for the fence.
 */
export function thisWorker(): Worker {
  const host = hostname()
  const incarnation = `${placeOfPids() ?? 'unknown'} ${startOf(process.pid)}`
  return { name: `${host}:${process.pid}`, host, pid: process.pid, incarnation }
}

/**
 * True when the worker's process surely does not exist any more: where process ids mean the same to us, none has its id, or
 * one that started at another time. What cannot be read is no proof, and nothing about another machine can be.
 */
export function provenGone(worker: Worker): boolean {
  const place = placeOfPids()
  if (place === null || worker.host !== hostname() || !worker.incarnation.startsWith(`${place} `)) return false
  const start = startOf(worker.pid)
  if (start === 'gone') return true
  const recorded = worker.incarnation.slice(place.length + 1)
  return start !== 'unknown' && recorded !== 'unknown' && start !== recorded
}

/**
 * Where a process id means one process: a boot of a machine, and on Linux a pid namespace, since two containers may share a
 * host name and not their processes. null: cannot be told.
 */
function placeOfPids(): string | null {
  try {
    if (process.platform === 'linux') {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
    }
    if (process.platform === 'darwin') return run('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid'])
    return null
  } catch {
    return null
  }
}

/** When the process with this id started, as the system tells it; `gone`: there is none, or only its remains. */
function startOf(pid: number): string {
  if (!exists(pid)) return 'gone'
  try {
    return process.platform === 'linux' ? linuxStart(pid) : psStart(pid)
  } catch {
    return 'unknown'
  }
}

/** A process may exist and be hidden from us: only the kernel's own word is proof that it does not. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Fields 3 and 22 of /proc/PID/stat, state and ticks since boot; the name in field 2 may hold spaces and brackets. */
function linuxStart(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return startUnlessEnded(fields[0], fields[19])
}

function psStart(pid: number): string {
  const [state, ...start] = run('/bin/ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)]).split(/\s+/)
  return startUnlessEnded(state, start.join('-'))
}

/** A zombie (Z) and what is left of a dead process (X) call nobody. */
function startUnlessEnded(state = '', start = ''): string {
  if (/^[ZX]/.test(state)) return 'gone'
  return state === '' || start === '' ? 'unknown' : start
}

/** The same words whoever asks: `ps` writes times in the caller's language and zone. */
function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', timeout: 5_000, env: { LC_ALL: 'C', TZ: 'UTC' } }).trim()
}
