import { expect, test } from 'vitest'
import { browserCommand, opensBrowser } from '../browser.ts'

test('the browser opens on a terminal alone: not into a pipe, not in CI, not under a supervisor', () => {
  const terminal = { env: {}, stdout: { isTTY: true } }
  expect(opensBrowser(terminal)).toBe(true)
  expect(opensBrowser({ ...terminal, stdout: {} })).toBe(false)
  expect(opensBrowser({ ...terminal, env: { CI: 'true' } })).toBe(false)
  expect(opensBrowser({ ...terminal, connected: true })).toBe(false)
})

test('the address is an argument of its own, never part of a command line', () => {
  for (const platform of ['linux', 'darwin', 'win32'] as const) {
    expect(browserCommand(platform, 'http://localhost:1/;x')[1]).toEqual(['http://localhost:1/;x'])
  }
})
