import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { runStep, type Step, summary } from './steps.ts'

function step(script: string, program: string = process.execPath): Step {
  return { name: 'a step', command: 'node -e …', program, args: ['-e', script] }
}

test('a step that ends well has passed', async () => {
  const result = await runStep(step("console.log('fine')"), tmpdir(), 30)
  expect(result).toMatchObject({ passed: true, output: 'fine\n' })
  expect(summary([result])).toMatch(/^ok {5}a step +\d+\.\d s\ncheck: all well\n$/)
})

test('a step that ends badly has failed, and all that it printed is shown', async () => {
  const result = await runStep(step("console.log('out'); console.error('err'); process.exitCode = 3"), tmpdir(), 30)
  expect(result.passed).toBe(false)
  const text = summary([result, { ...result, passed: true }])
  expect(text).toContain('── a step: node -e …\n')
  expect(text).toContain('out\n')
  expect(text).toContain('err\n')
  expect(text).toContain('check: 1 of 2 failed')
})

test('a step that takes too long is ended, and says so', async () => {
  const result = await runStep(step('setInterval(() => {}, 1_000)'), tmpdir(), 0.2)
  expect(result).toMatchObject({ passed: false, output: expect.stringContaining('it may take 0.2 s') })
})

test('a program that is not there has failed', async () => {
  const result = await runStep(step('', 'no-such-program'), tmpdir(), 30)
  expect(result).toMatchObject({ passed: false, output: expect.stringContaining('cannot be started') })
})
