"""Arrays and their gradients. Read in this order: tree, gradcheck, ops, layers, blocks, losses, optim."""
