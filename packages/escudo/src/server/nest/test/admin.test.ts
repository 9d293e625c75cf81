import type { IncomingMessage } from 'node:http'
import { Controller, ForbiddenException, Get } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import { shield } from '../../../core/shield.ts'
import { timeout } from '../../../policies/timeout/timeout.ts'
import { adminRoutes } from '../admin.ts'
import { appPerTest, ask, contract, decorate, PLATFORMS, post } from './setup.ts'

const stock = shield('nest-stock', timeout('1s'))

class Items {
  all(): string {
    return 'items'
  }
}
decorate(Items, 'all', [Get('items')])
Controller()(Items)

class Operators {
  nameOf(token: string | undefined): string | undefined {
    if (token === 'user') throw new ForbiddenException('Only operators may do this.')
    return token === 'ana' ? 'ana' : undefined
  }
}

// What is the same on all frameworks is tested in server/test/admin.test.ts.
describe.each(PLATFORMS)('adminRoutes on Nest on %s', (platform) => {
  const start = appPerTest()
  const running = () =>
    start(platform, {
      module: { controllers: [Items], providers: [Operators] },
      main: (app) => {
        const operators = app.get(Operators)
        const authorize = ({ headers }: IncomingMessage) => {
          const actor = operators.nameOf(headers.authorization)
          return actor === undefined ? undefined : { actor }
        }
        app.setGlobalPrefix('api')
        app.use(adminRoutes({ contract, authorize }))
        app.use('/internal', adminRoutes({ contract, authorize }))
      },
    })

  it('asks a provider of the application, whose HttpException is answered', async () => {
    const { url } = await running()
    const of = async (authorization: string) => {
      const { status, code, message } = await ask(`${url}/admin/shields`, { headers: { authorization } })
      return [status, code, message]
    }
    expect(await of('ana')).toEqual([200, undefined, undefined])
    expect(await of('eve')).toEqual([401, 'UNAUTHORIZED', 'The request needs authentication.'])
    expect(await of('user')).toEqual([403, 'FORBIDDEN', 'Only operators may do this.'])
  })

  it('is outside the global prefix, can be moved, and lets other requests pass', async () => {
    const { url, waitFor } = await running()
    const headers = { authorization: 'ana' }
    expect((await ask(`${url}/internal/admin/shields/nest-stock?x=/y`, { headers })).body).toMatchObject({
      name: stock.name,
    })
    expect((await ask(`${url}/api/admin/shields`, { headers })).status).toBe(404)
    expect((await ask(`${url}/api/items`)).text).toBe('items')
    const acted = await ask(`${url}/internal/admin/shields/nest-stock`, {
      ...post('{"action":"disable"}'),
      headers: { ...headers, 'content-type': 'application/json' },
    })
    expect([acted.status, acted.body]).toMatchObject([200, { outcome: 'done' }])
    stock.enable()
    expect(await waitFor('admin.action')).toMatchObject([{ actor: 'ana', action: 'disable' }])
  })
})
