/**
 * Where images are pushed to, and the page that tells about homeward: there is neither yet. One place, which the
 * packaging puts into compose files and Home Assistant's configuration.
 */
export const IMAGE_PLACE = process.env['HOMEWARD_IMAGE_PLACE'] ?? 'registry.example.org/homeward/homeward'
export const PAGE = process.env['HOMEWARD_PAGE'] ?? 'https://homeward.example.org'
