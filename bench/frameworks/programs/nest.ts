// Nest, and nestjs-pino. The platform is one more argument: express or fastify.
import 'reflect-metadata'
import { Controller, Get, Module, NotFoundException, Param } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { EscudoModule } from 'escudo/nest'
import { Logger, LoggerModule } from 'nestjs-pino'
import { decorate } from '../../../examples/frameworks/nest/decorate.ts'
import { contract, HAS_ESCUDO, HAS_LOGGER, HOST, item, logDestination, PORT, telemetry } from './program.ts'

class Items {
  item(id: string) {
    return item(id, (message) => new NotFoundException(message))
  }
}
Controller()(Items)
decorate(Items, 'item', [Get('items/:id')], [Param('id')])

class AppModule {}
const imports = [
  ...(HAS_ESCUDO ? [EscudoModule.forRoot({ contract, logger: telemetry() })] : []),
  // The default of nestjs-pino for `forRoutes` matches no path on Fastify.
  ...(HAS_LOGGER ? [LoggerModule.forRoot({ pinoHttp: [{}, logDestination()], forRoutes: ['*path'] })] : []),
]
Module({ controllers: [Items], imports })(AppModule)

const adapter = process.argv[5] === 'fastify' ? new FastifyAdapter() : new ExpressAdapter()
const app = await NestFactory.create(AppModule, adapter, { logger: false })
if (HAS_LOGGER) app.useLogger(app.get(Logger))
await app.listen(PORT, HOST)
