#pragma once

/// What a shared library shows of itself; everything else in it is hidden. A static library shows nothing: what links
/// it has a copy of its own that meets no other.
#if defined(UWM_SHARED)
#define UWM_EXPORT __attribute__((visibility("default")))
#else
#define UWM_EXPORT
#endif
