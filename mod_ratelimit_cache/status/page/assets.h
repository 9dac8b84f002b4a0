/* SPDX-License-Identifier: Apache-2.0 */
/* page.css, page.js and page.policy as texts. build/embed.pl makes them when the module is
 * built, and puts the SHA-256 of the first two into the third. */
#ifndef RL_STATUS_PAGE_ASSETS_H
#define RL_STATUS_PAGE_ASSETS_H

extern const char rl_asset_page_css[];
extern const char rl_asset_page_js[];
extern const char rl_asset_page_policy[];

#endif
