import { execFile, spawn } from 'node:child_process'
import { chmod, link, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { failure, pinsImport } from './contract.ts'
import { root } from './forewarn.ts'
import { csv, openShop, type Shop } from './shop.ts'

const main = join(root, 'src/cli/main.js')
const run = promisify(execFile)

/** Each test has a ledger of its own, since an import changes it. */
let base: Shop
let number = 0
beforeAll(async () => {
  base = await openShop()
})
afterAll(() => base.close())

interface Desk {
  readonly folder: string
  file(name: string, content: string): Promise<string>
  /** Runs `pins import` there. */
  imports(...args: string[]): Promise<Ended>
  importsJson(...args: string[]): Promise<Ended & { readonly document: unknown }>
  /** Runs a line of the shell there, in which $IMPORT is the command. */
  shell(line: string): Promise<Ended>
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function openDesk(): Promise<Desk> {
  number += 1
  const folder = join(base.folder, `desk-${number}`)
  await mkdir(folder)
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    FOREWARN_ACTOR: 'tester',
    FOREWARN_CONFIG: join(base.folder, 'config/forewarn.yaml'),
    DATABASE_URL: `file:${join(folder, 'ledger.db')}`,
    IMPORT: `${process.execPath} ${main} pins import`,
    TERM: 'xterm',
  }
  const end = async (command: string, args: readonly string[]): Promise<Ended> => {
    const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return { code, stdout, stderr }
  }
  const imports = (...args: string[]) => end(process.execPath, [main, 'pins', 'import', ...args])
  return {
    folder,
    imports,
    async importsJson(...args) {
      const ended = await imports(...args, '--json')
      return { ...ended, document: JSON.parse(ended.stdout) }
    },
    shell: (line) => end('sh', ['-c', line]),
    async file(name, content) {
      await writeFile(join(folder, name), content)
      return name
    },
  }
}

const people = (from: number, to: number): string =>
  csv(Array.from({ length: to - from + 1 }, (_, n) => [`P${from + n}`, `p${from + n}@example.com`, 40] as const))

const replaced = z.strictObject({ ...pinsImport.shape, removed: z.int().nonnegative() })

describe('pins import', () => {
  it('tells what came in, and names what did not, as a person reads it', async () => {
    const desk = await openDesk()
    const late = 'P9,p9@example.com,2026-12-31T17:00:00'
    const odd = 'P8,"evil\u001b[2J@example.com",2026-12-31T17:00:00Z'
    const { code, stdout, stderr } = await desk.imports(
      await desk.file('pins.csv', `${people(1, 2)}${late}\nP7\n${odd}\n`),
    )
    expect({ code, stderr }).toEqual({ code: 4, stderr: '' })
    expect(stdout).toBe(
      [
        '5 rows read, 2 accepted, 3 rejected',
        '',
        '  line 4  expires_at has no offset; expected `Z` or an offset such as `+01:00` at its end: 2026-12-31T17:00:00',
        '  line 5  the row has 1 cells; expected 3, as in the header: P7',
        '  line 6  email contains a line break or another control character; expected one bare address: evil\\u{1b}[2J@example.com',
        '',
      ].join('\n'),
    )
  })

  it('shows twenty bad rows and says where all are', async () => {
    const desk = await openDesk()
    const file = await desk.file('pins.csv', `pin_id,email,expires_at\n${'P1,nobody,x\n'.repeat(25)}`)
    const shown = await desk.imports(file)
    expect(shown.stdout.split('\n').slice(-3)).toEqual([
      expect.stringMatching(/^ {2}line 21 {2}email has no `@`; .*: nobody$/),
      'and 5 more: --rejects FILE writes all of them to a file',
      '',
    ])
    const kept = await desk.imports(file, '--rejects', 'bad.ndjson')
    expect(kept.stdout).toMatch(/\nand 5 more: all are in bad\.ndjson\n$/)
  })

  it('replaces: counts, refuses and forces as the contract says', async () => {
    const desk = await openDesk()
    const ten = await desk.file('ten.csv', people(1, 10))
    const eight = await desk.file('eight.csv', people(1, 8))
    const two = await desk.file('two.csv', people(1, 2))
    const none = await desk.file('none.csv', 'pin_id,email,expires_at\nP1,nobody,x\n')

    const plain = await desk.importsJson(ten)
    expect(pinsImport.parse(plain.document)).toMatchObject({ accepted: 10 })
    expect((await desk.imports(eight, '--replace')).stdout).toBe(
      '8 rows read, 8 accepted, 0 rejected, 2 PINs removed\n',
    )
    const dry = await desk.importsJson(two, '--replace', '--dry-run')
    expect(replaced.parse(dry.document)).toMatchObject({ accepted: 2, removed: 6 })
    expect(dry).toMatchObject({ code: 0, stderr: expect.stringContaining('6 of the 8 PINs') })
    const refused = await desk.importsJson(two, '--replace')
    expect(failure.parse(refused.document).error.code).toBe('replace-too-much')
    expect(refused.code).toBe(3)
    const nobody = await desk.importsJson(none, '--replace', '--yes')
    expect(replaced.parse(nobody.document)).toMatchObject({ accepted: 0, rejectedTotal: 1, removed: 0 })
    expect(nobody).toMatchObject({ code: 2, stderr: expect.stringContaining('No PIN was removed') })
    const forced = await desk.importsJson(two, '--replace', '--yes')
    expect(replaced.parse(forced.document)).toMatchObject({ removed: 6 })
    expect(forced.code).toBe(0)
  })

  it('writes nothing on a dry run, not even a ledger', async () => {
    const desk = await openDesk()
    const { code, stdout } = await desk.imports(await desk.file('pins.csv', people(1, 3)), '--dry-run')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '3 rows read, 3 would be accepted, 0 rejected\n' })
    await expect(stat(join(desk.folder, 'ledger.db'))).rejects.toThrow('ENOENT')
  })

  it('does not take --yes for anything without --replace', async () => {
    const desk = await openDesk()
    const { code, document } = await desk.importsJson(await desk.file('pins.csv', people(1, 1)), '--yes')
    expect(failure.parse(document).error.code).toBe('usage')
    expect(code).toBe(2)
  })
})

describe('pins import reads', () => {
  it('a pipe, standard input and a named pipe', async () => {
    const desk = await openDesk()
    await desk.file('pins.csv', people(1, 3))
    await run('mkfifo', [join(desk.folder, 'pipe.csv')])
    for (const line of [
      'cat pins.csv | $IMPORT - --format csv',
      '$IMPORT - --format csv < pins.csv',
      '$IMPORT /dev/stdin --format csv < pins.csv',
      'cat pins.csv > pipe.csv & $IMPORT pipe.csv',
    ]) {
      expect(await desk.shell(line), line).toEqual({
        code: 0,
        stdout: '3 rows read, 3 accepted, 0 rejected\n',
        stderr: '',
      })
    }
  })

  it('no pipe to replace by, and says why', async () => {
    const desk = await openDesk()
    await desk.file('pins.csv', people(1, 3))
    const { code, stderr } = await desk.shell('cat pins.csv | $IMPORT - --format csv --replace')
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'error: standard input cannot be read twice, as --replace must.\n' +
        '  hint: Save it to a file first, and give its name. Nothing was imported.\n',
    })
  })

  it.each([
    ['missing.csv', 'missing.csv does not exist.'],
    ['pins.csv/inner.csv', 'pins.csv/inner.csv does not exist.'],
    ['config', 'config is a folder.'],
  ])('not %s: %s', async (file, message) => {
    const desk = await openDesk()
    await desk.file('pins.csv', people(1, 1))
    await mkdir(join(desk.folder, 'config'))
    const { code, document } = await desk.importsJson(file)
    expect(failure.parse(document).error).toMatchObject({ code: 'input-unreadable', message })
    expect(code).toBe(2)
  })

  it('not what this user may not read', async () => {
    const desk = await openDesk()
    const file = await desk.file('secret.csv', people(1, 1))
    await chmod(join(desk.folder, file), 0)
    // For root a file without permissions is as readable as any: the reading is done by somebody else then.
    const reader = `
      if (process.getuid() === 0) process.setuid(65534)
      const { importPins } = await import(${JSON.stringify(join(root, 'src/pins/import.ts'))})
      const { noTable } = await import(${JSON.stringify(join(root, 'src/pins/no-table.ts'))})
      if (process.getuid() === 0) throw new Error('still root')
      await importPins({ file: 'secret.csv', table: noTable, dryRun: true, startedAt: 0 }).catch((error) =>
        console.log(error.message, error.hint))`
    await chmod(base.folder, 0o755)
    const { stdout, stderr } = await run(
      process.execPath,
      ['--input-type=module', '--eval', asLateAsPossible(reader)],
      {
        cwd: desk.folder,
      },
    )
    expect({ stdout, stderr }).toEqual({
      stdout: 'secret.csv may not be read by this user. Check its permissions, and those of the folders above it.\n',
      stderr: '',
    })
  })
})

/** The modules are read by whoever may read the checkout. */
function asLateAsPossible(script: string): string {
  const [, change = '', ...rest] = script.split('\n')
  const call = rest.findIndex((line) => line.includes('still root'))
  return [...rest.slice(0, call), change, ...rest.slice(call)].join('\n')
}

describe('pins import --rejects', () => {
  const bad = 'pin_id,email,expires_at\nP1,p1@example.com,2026-12-31T17:00:00Z\nP2,nobody,x\n'

  it('writes all rejected rows for nobody else to read, in place of those of before', async () => {
    const desk = await openDesk()
    const file = await desk.file('pins.csv', `${bad}P3,nowhere,x\n`)
    for (let times = 0; times < 2; times += 1) await desk.imports(file, '--rejects', 'bad.ndjson')
    const written = await readFile(join(desk.folder, 'bad.ndjson'), 'utf8')
    expect(
      written
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { line: 3, column: 'email', value: 'nobody' },
      { line: 4, column: 'email', value: 'nowhere' },
    ])
    expect((await stat(join(desk.folder, 'bad.ndjson'))).mode & 0o777).toBe(0o600)
  })

  it('never writes over the input file or the ledger, under whatever name', async () => {
    const desk = await openDesk()
    await desk.file('pins.csv', bad)
    await symlink('pins.csv', join(desk.folder, 'soft.csv'))
    await link(join(desk.folder, 'pins.csv'), join(desk.folder, 'hard.csv'))
    await desk.imports('pins.csv')
    const before = await readFile(join(desk.folder, 'ledger.db'))
    for (const line of [
      '$IMPORT pins.csv --rejects pins.csv',
      '$IMPORT pins.csv --rejects ./soft.csv',
      '$IMPORT soft.csv --rejects hard.csv',
      '$IMPORT pins.csv --rejects ledger.db',
      '$IMPORT pins.csv --dry-run --rejects ledger.db',
      '$IMPORT - --format csv --rejects pins.csv < pins.csv',
    ]) {
      const { code, stderr } = await desk.shell(line)
      expect(stderr, line).toMatch(/^error: --rejects \S+ would overwrite /)
      expect(code, line).toBe(2)
    }
    expect(await readFile(join(desk.folder, 'pins.csv'), 'utf8')).toBe(bad)
    expect((await readFile(join(desk.folder, 'ledger.db'))).equals(before)).toBe(true)
  })

  it('does not begin when the file cannot be written', async () => {
    const desk = await openDesk()
    await desk.file('pins.csv', bad)
    const { code, stderr } = await desk.imports('pins.csv', '--rejects', 'nowhere/bad.ndjson')
    expect(stderr).toBe(
      'error: --rejects nowhere/bad.ndjson cannot be written: its folder does not exist\n  hint: Nothing was imported.\n',
    )
    expect(code).toBe(2)
  })

  it('leaves no half line on a disk that is full, and says so', async () => {
    const desk = await openDesk()
    await desk.file('pins.csv', `pin_id,email,expires_at\n${'P1,nobody,x\n'.repeat(200)}`)
    // A limit of the file's size is a full disk that every machine has: 8 blocks of 512 bytes or 1 KiB.
    const { code, stderr } = await desk.shell('ulimit -f 8; $IMPORT pins.csv --dry-run --rejects bad.ndjson')
    expect(stderr).toMatch(/^error: --rejects bad\.ndjson cannot be written: it became too large\.\n {2}hint: Free /)
    expect(code).toBe(1)
    const written = await readFile(join(desk.folder, 'bad.ndjson'), 'utf8')
    expect(written.length).toBeGreaterThan(3_500)
    expect(written.endsWith('\n')).toBe(true)
  })

  it('says what has been imported by then', async () => {
    const desk = await openDesk()
    const many = `P1,${'n'.repeat(100)},x\n`.repeat(90_000)
    await desk.file('pins.csv', `${people(1, 1_500)}${many}`)
    // Room enough for the ledger, and too little for 18 MB of rejected rows. Linux has a disk that is always full.
    const [line, reason] =
      process.platform === 'linux'
        ? ['$IMPORT pins.csv --rejects /dev/full', 'the disk is full']
        : ['ulimit -f 16384; $IMPORT pins.csv --rejects bad.ndjson', 'it became too large']
    const { code, stderr } = await desk.shell(line)
    expect(stderr).toMatch(` cannot be written: ${reason}. 1000 PINs before that have been imported and stay.\n`)
    expect(code).toBe(1)
  })
})

describe('the line that tells how far it is', () => {
  /** Runs a command on a terminal of its own; what it wrote there. */
  async function onTerminal(desk: Desk, line: string): Promise<string> {
    const linux = process.platform === 'linux'
    await desk.file('line.sh', `${line}\n`)
    const { stdout } = await desk.shell(
      linux ? 'script -qec "sh line.sh" /dev/null' : 'script -q /dev/null sh line.sh < /dev/null',
    )
    return stdout
  }

  /** What stands on the screen in the end, of carriage returns and the clearing of lines. */
  function screen(written: string): string {
    return written
      .replaceAll('\r\n', '\n')
      .split('\n')
      .map((line) => line.split('\r').reduce((shown, part) => overwritten(shown, part), ''))
      .join('\n')
  }

  function overwritten(shown: string, part: string): string {
    const clears = part.endsWith(clearToEnd) || part.startsWith(clearToEnd)
    const kept = part.replace(clearToEnd, '')
    return clears ? kept : kept + shown.slice(kept.length)
  }
  const clearToEnd = '\u001b[K'

  it('is shown on a terminal, and nothing of it is left', async () => {
    const desk = await openDesk()
    await desk.file('pins.csv', people(1, 3_000))
    const written = await onTerminal(desk, '$IMPORT pins.csv --replace')
    expect(written).toMatch(/\rchecking before anything is replaced: \d+ rows read, \d+ %/)
    expect(written).toContain(clearToEnd)
    expect(screen(written)).toBe('3000 rows read, 3000 accepted, 0 rejected, 0 PINs removed\n')
  })

  it('is gone when an error is told', async () => {
    const desk = await openDesk()
    await desk.file('ten.csv', people(1, 10))
    await desk.file('two.csv', people(1, 2))
    await desk.imports('ten.csv')
    const written = await onTerminal(desk, '$IMPORT two.csv --replace --no-color')
    expect(written).toMatch(/\rchecking before/)
    expect(screen(written)).toMatch(/^error: 8 of the 10 PINs/)
  })

  it('is not there with --json, nor where there is no terminal', async () => {
    const desk = await openDesk()
    await desk.file('pins.csv', people(1, 3_000))
    const written = await onTerminal(desk, '$IMPORT pins.csv --json')
    expect(pinsImport.parse(JSON.parse(written))).toMatchObject({ accepted: 3_000 })
    expect(written).not.toContain('\u001b')
    expect(await desk.imports('pins.csv')).toEqual({
      code: 0,
      stdout: '3000 rows read, 3000 accepted, 0 rejected\n',
      stderr: '',
    })
  })
})
