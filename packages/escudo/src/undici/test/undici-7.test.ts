import { expect, test, vi } from 'vitest'

// Runs the same tests with the other supported major of undici, which has an older interface inside.
vi.mock('undici', async () => await import('undici-7'))

test('the tests use undici 7', async () => {
  expect((await import('undici')).Agent).toBe((await import('undici-7')).Agent)
})

await import('./resilient-request.test.ts')
await import('./aborts.test.ts')
await import('./headers.test.ts')
await import('./resilience.test.ts')
await import('./hostile.test.ts')
await import('./held-responses.test.ts')
await import('./equal-telemetry.test.ts')
await import('./refusals.test.ts')
await import('./request-body.test.ts')
await import('./next-request.test.ts')
