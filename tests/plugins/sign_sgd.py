"""An optimiser of a plug-in: signSGD with momentum (Bernstein et al. 2018, algorithm 2, as Signum)."""

import keras
from keras import ops

import rnnbench


@rnnbench.register_optimizer("sign_sgd")
class SignSGD(keras.optimizers.Optimizer):
    def __init__(self, learning_rate=0.01, momentum=0.9, name="sign_sgd"):
        super().__init__(learning_rate=learning_rate, name=name)
        self.momentum = momentum

    def build(self, variables):
        if not self.built:
            super().build(variables)
            self.moments = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        moment = self.moments[self._get_variable_index(variable)]
        self.assign(moment, self.momentum * moment + (1 - self.momentum) * gradient)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * ops.sign(moment))
