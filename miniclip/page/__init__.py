"""CLIP in a tab: one page, without network, that runs the shipped system and trains a small one."""
