import { main } from '../process/main.ts'
import { MisuseError } from '../process/misuse.ts'
import { serve } from '../process/service.ts'
import { createShop } from './app.ts'
import { shopSettings } from './settings.ts'

await main('potion-shop', 'node src/shop/main.ts', shopSettings, async (values) => {
  const { userToken, adminToken } = shopSettings
  if (values.userToken === values.adminToken) {
    throw new MisuseError(`${userToken.env} and ${adminToken.env} are the same: every user would be an administrator`)
  }
  await serve(await createShop(values), { port: values.port, setting: shopSettings.port }, values.logFile)
})
