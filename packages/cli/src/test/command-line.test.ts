import { describe, expect, it } from 'vitest'
import { type Command, CommandError, type Given } from '../command.ts'
import { COMMANDS } from '../commands.ts'
import { runCommandLine } from '../run-command-line.ts'

const seen: Given[] = []
const sample: Command = {
  name: 'sample',
  summary: 'Does nothing.',
  options: [
    { name: 'in', value: 'FILE', required: true, repeatable: true, text: 'the input' },
    { name: 'size', value: 'NUMBER', text: 'the size' },
    { name: 'force', text: 'do it anyway' },
  ],
  details: 'More about it.\n',
  run: async (given) => {
    seen.push(given)
    if (given.has('force')) throw new CommandError(3, 'no answer')
  },
}

async function run(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runCommandLine(args, [sample], {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
  })
  return { code, out, err }
}

describe('the command line', () => {
  it('passes the options to the command and exits with 0', async () => {
    expect(await run('sample', '--in', 'a', '--in=b', '--size', '3')).toEqual({ code: 0, out: '', err: '' })
    expect(seen.pop()).toEqual(
      new Map([
        ['in', ['a', 'b']],
        ['size', ['3']],
      ]),
    )
  })

  it('prints the error of a command in one line and exits with its code', async () => {
    expect(await run('sample', '--in', 'a', '--force')).toEqual({ code: 3, out: '', err: 'escudo: no answer\n' })
  })

  it('lets any other error pass, because it is a bug', async () => {
    const broken: Command = { ...sample, run: async () => Promise.reject(new TypeError('bug')) }
    const output = { out: () => {}, err: () => {} }
    await expect(runCommandLine(['sample', '--in', 'a'], [broken], output)).rejects.toThrow('bug')
  })

  it.each([
    [['--help'], /^Usage: escudo COMMAND[\s\S]*sample +Does nothing\.[\s\S]*Exit codes: 0 done, 1 refused/],
    [['-h'], /^Usage: escudo COMMAND/],
    [['sample', '--help'], /^Usage: escudo sample --in FILE \[--size NUMBER\] \[--force\][\s\S]*--in FILE +the input/],
    [['sample', '--nonsense', '-h'], /^Usage: escudo sample[\s\S]*More about it\./],
    [['--version'], /^\d+\.\d+\.\d+\n$/],
  ])('answers %j and exits with 0', async (args, text) => {
    expect(await run(...args)).toEqual({ code: 0, out: expect.stringMatching(text), err: '' })
  })

  it.each([
    [[], /^Usage: escudo COMMAND/],
    [['nonsense'], /^escudo: unknown command "nonsense"; the commands are: sample\n$/],
    [['sample'], /^escudo: --in FILE is missing; see escudo sample --help\n$/],
    [['sample', 'a'], /unexpected argument "a"/],
    [['sample', '--in', 'a', '--', 'b'], /unexpected argument "b"/],
    [['sample', '--out', 'a'], /unknown option --out/],
    [['sample', '-x'], /unknown option -x/],
    [['sample', '--in'], /--in needs a value: --in FILE/],
    [['sample', '--in='], /--in needs a value/],
    [['sample', '--in', '--force'], /--in needs a value/],
    [['sample', '--in', 'a', '--size', '1', '--size', '2'], /--size may be given only once/],
    [['sample', '--in', 'a', '--force=yes'], /--force takes no value/],
    [['sample', '--in', 'a', '--__proto__'], /unknown option --__proto__/],
  ])('rejects %j with exit code 2', async (args, text) => {
    expect(await run(...args)).toEqual({ code: 2, out: '', err: expect.stringMatching(text) })
  })
})

describe('the commands', () => {
  it('have different names and one line of help each', () => {
    expect(new Set(COMMANDS.map(({ name }) => name)).size).toBe(COMMANDS.length)
    for (const { summary, options } of COMMANDS) {
      for (const text of [summary, ...options.map((option) => option.text)]) expect(text).toMatch(/^[^\n]{10,120}$/)
    }
  })
})
