import { vi } from 'vitest'

// Runs the same tests with the other supported major of undici, which has an older interface inside.
vi.mock('undici', async () => await import('undici-7'))

await import('./resilient-request.test.ts')
await import('./aborts.test.ts')
await import('./headers.test.ts')
await import('./resilience.test.ts')
