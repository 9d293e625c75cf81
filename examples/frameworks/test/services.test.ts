import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { endServices, startService } from './services.ts'

afterAll(endServices)

describe('startService', () => {
  it('tells why a service does not start, although another server answers on its port', async () => {
    const other = createServer((_request, response) => response.end('other')).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    await expect(startService('express', port)).rejects.toThrow(/^the service on express does not answer:.*EADDRINUSE/s)
    await once(other.close(), 'close')
  })
})
