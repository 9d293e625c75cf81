// The routes of the small service, as a controller of Nest.
import { Readable } from 'node:stream'
import { Body, Controller, Get, Header, Param, Post, Res, StreamableFile } from '@nestjs/common'
import { ApiErrors, Route } from 'escudo/nest'
import { NewUser } from '../shared/errors.ts'
import {
  brokenBody,
  CACHE_HEADERS,
  deadline,
  item,
  throwAfterHeaders,
  throwContext,
  throwValue,
} from '../shared/service.ts'
import { upstream } from '../shared/upstream.ts'
import { decorate } from './decorate.ts'

/** A response of Express, or a reply of Fastify. */
interface Response {
  header(name: string, value: string): unknown
}

export class Service {
  item(id: string) {
    return item(id)
  }

  addUser(user: unknown) {
    return user
  }

  throwValue(what: string) {
    return throwValue(what)
  }

  throwContext(kind: string) {
    return throwContext(kind)
  }

  throwAfterHeaders(response: Response) {
    for (const [name, value] of Object.entries(CACHE_HEADERS)) response.header(name, value)
    return throwAfterHeaders()
  }

  async upstream(how: string) {
    return await upstream(how)
  }

  streamThenThrow() {
    return new StreamableFile(Readable.from(brokenBody()), { type: 'text/plain; charset=utf-8' })
  }

  deadline() {
    return deadline()
  }
}

Controller()(Service)
decorate(Service, 'item', [Get('items/:id'), ApiErrors('ITEM_NOT_FOUND')], [Param('id')])
decorate(Service, 'addUser', [Post('users'), Route({ body: NewUser })], [Body()])
decorate(Service, 'throwValue', [Get('throw/:what')], [Param('what')])
decorate(Service, 'throwContext', [Get('context/:kind'), ApiErrors('AWKWARD_CONTEXT')], [Param('kind')])
decorate(Service, 'throwAfterHeaders', [Get('throw-after-cache-headers')], [Res({ passthrough: true })])
decorate(Service, 'upstream', [Get('upstream/:how')], [Param('how')])
decorate(Service, 'streamThenThrow', [Get('stream-then-throw')])
decorate(Service, 'deadline', [Get('deadline'), Header('content-type', 'text/plain; charset=utf-8')])
