import { MisuseError, main } from '../process/misuse.ts'
import { serve } from '../process/service.ts'
import { helpText, readSettings } from '../process/settings.ts'
import { createShop } from './app.ts'
import { shopSettings } from './settings.ts'

await main('potion-shop', async () => {
  const values = readSettings(shopSettings)
  if (values === 'help') {
    process.stdout.write(helpText('Usage: node src/shop/main.ts [flags]', shopSettings))
    return
  }
  const { userToken, adminToken } = shopSettings
  if (values.userToken === values.adminToken) {
    throw new MisuseError(`${userToken.env} and ${adminToken.env} are the same: every user would be an administrator`)
  }
  await serve(await createShop(values), { port: values.port, setting: shopSettings.port })
})
