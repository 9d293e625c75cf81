import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { runStep, type Step, summary } from '../steps.ts'

function step(script: string, program: string = process.execPath): Step {
  return { name: 'a step', command: 'node -e …', program, args: ['-e', script] }
}

test('passes when the program exits with 0', async () => {
  const result = await runStep(step("console.log('fine')"), tmpdir(), 30)
  expect(result).toMatchObject({ passed: true, output: 'fine\n' })
  expect(summary([result])).toMatch(/^ok {5}a step +\d+\.\d s {2}fine\ncheck: all steps passed\n$/)
})

test('fails on another exit code and shows all output of the step', async () => {
  const result = await runStep(step("console.log('out'); console.error('err'); process.exitCode = 3"), tmpdir(), 30)
  expect(result.passed).toBe(false)
  const text = summary([result, { ...result, passed: true }])
  expect(text).toContain('── a step: node -e …\n')
  expect(text).toContain('out\n')
  expect(text).toContain('err\n')
  expect(text).toContain('check: 1 of 2 failed')
})

test('kills a step that exceeds its limit and names the limit', async () => {
  const result = await runStep(step('setInterval(() => {}, 1_000)'), tmpdir(), 0.2)
  expect(result).toMatchObject({ passed: false, output: expect.stringContaining('the limit is 0.2 s') })
})

test('fails when the program does not exist', async () => {
  const result = await runStep(step('', 'no-such-program'), tmpdir(), 30)
  expect(result).toMatchObject({ passed: false, output: expect.stringContaining('cannot start') })
})
