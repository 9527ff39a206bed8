/** The alias of every interface homeward made (ip-link(8)): an interface without it is somebody else's. */
export const INTERFACE_MARK = 'homeward'

/** homeward's one nftables table. */
export const TABLE = 'inet homeward'

/** An empty chain that tells our table from somebody else's of the same name. */
export const TABLE_MARK = 'made_by_homeward'

/** An empty chain that says that homeward turned forwarding on, so that undo turns it off again. */
export const FORWARDING_MARK = 'forwarding_was_off'
