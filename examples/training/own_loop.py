"""A loop of one's own, in 4 bits: python own_loop.py MODEL.onnx FRAMES.npz OUT.onnx."""

import sys

import numpy as np
import torch
from torch.nn.functional import kl_div
from torch.utils.data import DataLoader, TensorDataset

from tomato.train import Trainable, quantise

model, data, out = sys.argv[1:]
torch.manual_seed(0)
frames = np.load(data)["x"].astype(np.float32)
teacher, net = Trainable.load(model).module.eval(), Trainable.load(model)
quantise(net, "w4a4", frames[:64])
loader = DataLoader(TensorDataset(torch.from_numpy(frames)), batch_size=32, shuffle=True)
optimiser = torch.optim.AdamW(net.module.parameter_groups(3e-4))
net.module.train()
for _ in range(8):
    for (x,) in loader:
        answers = teacher(x).log_softmax(1).detach()
        loss = kl_div(net.module(x).log_softmax(1), answers, log_target=True, reduction="batchmean")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
net.export(out)
