// The small service on Nest: npm run example:nest. With PLATFORM=fastify, on Nest's other platform.
import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { SwaggerModule } from '@nestjs/swagger'
import { EscudoModule, openapi } from 'escudo/nest'
import { createLogger } from 'escudo/pino'
import express from 'express'
import { contractOf, INFO } from '../shared/errors.ts'
import { HOST, PORT } from '../shared/port.ts'
import { Service } from './controller.ts'

const contract = contractOf('nest')
const logger = createLogger({ service: contract.service })

class AppModule {}
Module({ controllers: [Service], imports: [EscudoModule.forRoot({ contract, logger, inboundDeadline: true })] })(
  AppModule,
)

function adapter(): ExpressAdapter | FastifyAdapter {
  if (process.env['PLATFORM'] === 'fastify') return new FastifyAdapter()
  // As other frameworks do: `/ITEMS/1` and `/items/1/` are other paths than `/items/1`. Express reads this only once.
  const application = express().enable('case sensitive routing').enable('strict routing').disable('x-powered-by')
  return new ExpressAdapter(application)
}

// The contract answers and logs errors. `Route` reads bodies.
const app = await NestFactory.create(AppModule, adapter(), { bodyParser: false, logger: false })
const document = await openapi(app, { contract, info: INFO, SwaggerModule })
SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: '/openapi.json', raw: ['json'], ui: false })
await app.listen(PORT, HOST)
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void app.close())
