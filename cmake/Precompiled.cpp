// Precompiled.cpp: a place for the precompiled header to be built.
