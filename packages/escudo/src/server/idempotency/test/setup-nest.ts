// The same service with Nest, on both platforms.
import 'reflect-metadata'
import type { Server } from 'node:http'
import { Body, Controller, type MiddlewareConsumer, Module, Patch, Post, Put, Res } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { Response } from 'express'
import type { FastifyReply } from 'fastify'
import * as onExpress from '../../express.ts'
import * as onFastify from '../../fastify.ts'
import { decorate } from '../../nest/test/setup.ts'
import { EscudoModule } from '../../nest.ts'
import { type Answer, contract, type Start, scope, serviceOf, streamOf } from './setup.ts'

type Handle = (body: unknown) => Promise<Answer>

function controllerOf(handle: Handle) {
  const answer = async (body: unknown, response: Response | FastifyReply): Promise<void> => {
    const { status, body: text, headers = {}, isStreamed } = await handle(body)
    const bytes = Buffer.from(text as string)
    if ('raw' in response) {
      await response
        .code(status)
        .headers(headers)
        .send(isStreamed ? streamOf(text) : bytes)
    } else if (isStreamed) streamOf(text).pipe(response.writeHead(status, headers))
    else response.writeHead(status, headers).end(bytes)
  }
  class Orders {
    post(body: unknown, response: Response | FastifyReply) {
      return answer(body, response)
    }
    patch(body: unknown, response: Response | FastifyReply) {
      return answer(body, response)
    }
    put(body: unknown, response: Response | FastifyReply) {
      return answer(body, response)
    }
  }
  Controller('orders')(Orders)
  const paths = ['', ':id']
  decorate(Orders, 'post', [Post(paths)], [Body(), Res()])
  decorate(Orders, 'patch', [Patch(paths)], [Body(), Res()])
  decorate(Orders, 'put', [Put(paths)], [Body(), Res()])
  return Orders
}

export const startNestOnExpress: Start = async (handle, options) => {
  const Orders = controllerOf(handle)
  class Root {
    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(onExpress.idempotency({ scope, ...options })).forRoutes(Orders)
    }
  }
  Module({ imports: [EscudoModule.forRoot({ contract })], controllers: [Orders] })(Root)
  const app = await NestFactory.create(Root, new ExpressAdapter(), { bodyParser: false, logger: false })
  await app.listen(0, '127.0.0.1')
  return await serviceOf(app.getHttpServer() as Server)
}

export const startNestOnFastify: Start = async (handle, options) => {
  class Root {}
  Module({ imports: [EscudoModule.forRoot({ contract })], controllers: [controllerOf(handle)] })(Root)
  const app = await NestFactory.create<NestFastifyApplication>(Root, new FastifyAdapter(), { logger: false })
  await app.register(onFastify.idempotency({ scope, ...options }))
  await app.listen(0, '127.0.0.1')
  return await serviceOf(app.getHttpServer() as Server)
}
