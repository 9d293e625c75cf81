import { expect, test } from 'vitest'
import { browserCommand, shouldOpenBrowser } from '../browser.ts'

test('opens the browser only on a terminal, not in a pipe, in CI or under a supervisor', () => {
  const terminal = { env: {}, stdout: { isTTY: true } }
  expect(shouldOpenBrowser(terminal)).toBe(true)
  expect(shouldOpenBrowser({ ...terminal, stdout: {} })).toBe(false)
  expect(shouldOpenBrowser({ ...terminal, env: { CI: 'true' } })).toBe(false)
  expect(shouldOpenBrowser({ ...terminal, connected: true })).toBe(false)
})

test('passes the URL as a separate argument, never inside a command string', () => {
  for (const platform of ['linux', 'darwin', 'win32'] as const) {
    expect(browserCommand(platform, 'http://localhost:1/;x')[1]).toEqual(['http://localhost:1/;x'])
  }
})
