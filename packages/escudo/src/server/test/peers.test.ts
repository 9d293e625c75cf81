import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isTrusted } from '../peers.ts'

describe('a rule that decides which client is trusted', () => {
  const unhandled = vi.fn()
  beforeEach(() => void process.on('unhandledRejection', unhandled))
  afterEach(async () => {
    await new Promise((resolve) => setTimeout(resolve, 0))
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
    vi.restoreAllMocks()
  })

  test('that is asynchronous trusts no client, and is reported once', () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const rules = [async () => true, async () => Promise.reject(new Error('no'))] as never[]
    for (const rule of rules) for (let n = 0; n < 3; n += 1) expect(isTrusted(rule, '127.0.0.1')).toBe(false)
    expect(warnings.mock.calls.map(([text]) => text)).toEqual(
      rules.map(() => expect.stringContaining('createErrorContract.trustInbound: returned a promise')),
    )
  })

  test('that throws, or returns no boolean, trusts no client and reports nothing', () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const throwing = (): never => {
      throw new Error('no')
    }
    expect(isTrusted(throwing, '127.0.0.1')).toBe(false)
    expect(isTrusted((() => 'yes') as never, '127.0.0.1')).toBe(false)
    expect(isTrusted(() => true, '203.0.113.7')).toBe(true)
    expect(warnings).not.toHaveBeenCalled()
  })
})
