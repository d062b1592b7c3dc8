/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONTINUUM_VERSION_H
#define CONTINUUM_VERSION_H

/* Of the coordinator, the client library and continuum-fed: they are released together. */
#define CONTINUUM_VERSION "0.1.0"

#endif
