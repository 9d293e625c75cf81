import { Body, type CanActivate, Controller, Get, Param, Post, Query, UseGuards, ValidationPipe } from '@nestjs/common'
import { Type } from 'class-transformer'
import { IsEmail, IsString, ValidateNested } from 'class-validator'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ApiErrors, inputOf, Route } from '../route.ts'
import { validationException } from '../validation-exception.ts'
import { appPerTest, ask, decorate, PLATFORMS, post } from './setup.ts'

const NewUser = z.object({ email: z.string(), nombre: z.string() })

class Users {
  add(user: unknown) {
    return user
  }

  find(id: unknown, query: unknown) {
    return { id, query }
  }
}
Controller('users')(Users)
decorate(Users, 'add', [Post(), Route({ body: NewUser, bodyLimit: 100 }), ApiErrors('EMAIL_TAKEN')], [Body()])
const Found = { params: z.object({ id: z.coerce.number() }), query: z.object({ page: z.coerce.number() }) }
decorate(Users, 'find', [Get(':id'), Route({ ...Found, summary: 'Finds a user' })], [Param('id'), Query()])
ApiErrors('SHOP_CLOSED')(Users)

describe.each(PLATFORMS)('Route on %s', (platform) => {
  const start = appPerTest()

  it('gives the handler what the schemas return', async () => {
    const { url } = await start(platform, { module: { controllers: [Users] }, nest: { bodyParser: false } })
    const added = await ask(`${url}/users`, post('{"email":"a","nombre":"b","more":1}'))
    expect(added).toMatchObject({ status: 201, body: { email: 'a', nombre: 'b' } })
    expect(added.text).not.toContain('more')
    expect((await ask(`${url}/users/7?page=2`)).body).toEqual({ id: 7, query: { page: 2 } })
  })

  it.each([
    ['all findings of all parts', '/users/x?page=y', undefined, 422, 'VALIDATION_ERROR'],
    ['a body that does not match', '/users', post('{"email":5}'), 422, 'VALIDATION_ERROR'],
    ['an empty body', '/users', { method: 'POST' }, 400, 'MALFORMED_JSON'],
    ['a prototype in the body', '/users', post('{"__proto__":{}}'), 400, 'MALFORMED_JSON'],
    ['another type', '/users', post('{}', 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ] as const)('answers %s', async (_, path, init, status, code) => {
    const { url } = await start(platform, { module: { controllers: [Users] }, nest: { bodyParser: false } })
    expect(await ask(url + path, init)).toMatchObject({ status, code })
  })

  it('tells the pointer of each finding', async () => {
    const { url } = await start(platform, { module: { controllers: [Users] }, nest: { bodyParser: false } })
    const { body } = await ask(`${url}/users/x?page=y`)
    expect(body['context']).toMatchObject({
      errors: [
        { in: 'params', pointer: '/id' },
        { in: 'query', pointer: '/page' },
      ],
    })
  })

  it('validates what a parser of Nest has read, and only after the guards', async () => {
    const guard: CanActivate = { canActivate: () => false }
    class Guarded {
      add() {}
    }
    Controller('guarded')(Guarded)
    decorate(Guarded, 'add', [Post(), UseGuards(guard), Route({ body: NewUser })])
    const { url } = await start(platform, { module: { controllers: [Users, Guarded] } })
    expect(await ask(`${url}/users`, post('{"email":5}'))).toMatchObject({ status: 422 })
    expect(await ask(`${url}/guarded`, post('{"email":5}'))).toMatchObject({ status: 403 })
  })
})

describe('the largest body on Express', () => {
  const start = appPerTest()

  it('is that of the route, or that of the module', async () => {
    class Notes {
      add() {}
    }
    Controller('notes')(Notes)
    decorate(Notes, 'add', [Post(), Route({ body: z.unknown() })])
    const module = { controllers: [Users, Notes] }
    const { url } = await start('express', { module, nest: { bodyParser: false }, options: { bodyLimit: 200 } })
    const body = (length: number) => post(`"${'x'.repeat(length)}"`)
    expect((await ask(`${url}/users`, body(150))).status).toBe(413)
    expect((await ask(`${url}/notes`, body(150))).status).toBe(201)
    expect((await ask(`${url}/notes`, body(250))).status).toBe(413)
  })
})

class Address {
  declare street: string
}
IsString()(Address.prototype, 'street')

class Customer {
  declare email: string
  declare address: Address
}
IsEmail()(Customer.prototype, 'email')
ValidateNested()(Customer.prototype, 'address')
Type(() => Address)(Customer.prototype, 'address')

class Customers {
  add(customer: Customer) {
    return customer
  }
}
Controller('customers')(Customers)
decorate(Customers, 'add', [Post()], [Body()])
Reflect.defineMetadata('design:paramtypes', [Customer], Customers.prototype, 'add')

describe.each(PLATFORMS)('ValidationPipe on %s', (platform) => {
  const start = appPerTest()
  const invalid = post('{"email":"no address","address":{}}')

  it('is answered with 400 and its messages', async () => {
    const { url } = await start(platform, {
      module: { controllers: [Customers] },
      main: (app) => app.useGlobalPipes(new ValidationPipe()),
    })
    const answer = await ask(`${url}/customers`, invalid)
    expect(answer).toMatchObject({ status: 400, code: 'BAD_REQUEST' })
    expect(answer.message).toBe('email must be an email; address.street must be a string')
  })

  it('is answered with 422 and pointers, with `validationException`', async () => {
    const { url } = await start(platform, {
      module: { controllers: [Customers] },
      main: (app) => app.useGlobalPipes(new ValidationPipe({ exceptionFactory: validationException })),
    })
    const answer = await ask(`${url}/customers`, invalid)
    expect(answer).toMatchObject({ status: 422, code: 'VALIDATION_ERROR' })
    expect(answer.body['context']).toEqual({
      errors: [
        { in: 'body', pointer: '/email', code: 'isEmail', message: 'email must be an email' },
        { in: 'body', pointer: '/address/street', code: 'required', message: 'street must be a string' },
      ],
    })
  })
})

describe('inputOf', () => {
  it('returns what the decorators declared, with the errors of the controller', () => {
    expect(inputOf(Users, 'add')).toEqual({ body: NewUser, bodyLimit: 100, errors: ['SHOP_CLOSED', 'EMAIL_TAKEN'] })
    expect(inputOf(Users, 'find')).toMatchObject({ summary: 'Finds a user', errors: ['SHOP_CLOSED'] })
    expect(inputOf(Users)).toEqual({ errors: ['SHOP_CLOSED'] })
    expect(inputOf(Users, 'missing')).toEqual({ errors: ['SHOP_CLOSED'] })
  })

  it.each([
    [() => Route({ boddy: NewUser } as never), 'body'],
    [() => Route({ body: {} as never }), 'Standard Schema'],
    [() => Route({ bodyLimit: 0 }), 'bodyLimit'],
    [() => ApiErrors(5 as never), 'strings'],
  ])('refuses an invalid option: %s', (make, message) => {
    expect(make).toThrow(message)
  })
})
